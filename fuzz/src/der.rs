//! Changes to DER that leave it DER: elements are taken out, doubled, moved and replaced, and the lengths around them made
//! to fit. Octet strings that hold DER are opened too. Now and then a length is made wrong on purpose.

/// Deeper elements are left as octets.
const DEPTH: usize = 40;
/// More elements are not told apart.
const ELEMENTS: usize = 20_000;

#[derive(Clone)]
struct Node {
    tag: u8,
    body: Body,
}

#[derive(Clone)]
enum Body {
    Octets(Vec<u8>),
    Nodes(Vec<Node>),
}

/// Numbers that look random; splitmix64.
pub struct Dice(u64);

impl Dice {
    /// The same numbers for the same seed.
    #[must_use]
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below the limit; 0 below 0.
    pub fn below(&mut self, limit: usize) -> usize {
        if limit == 0 { 0 } else { (self.next() % limit as u64) as usize }
    }
}

fn header(octets: &[u8]) -> Option<(u8, usize, usize)> {
    let (&tag, rest) = octets.split_first()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    let first = *rest.first()?;
    let (length, size) = match first {
        0..=0x7f => (usize::from(first), 2),
        0x81..=0x84 => {
            let count = usize::from(first & 0x7f);
            let digits = rest.get(1..=count)?;
            (digits.iter().fold(0usize, |value, digit| (value << 8) | usize::from(*digit)), 2 + count)
        }
        _ => return None,
    };
    (octets.len() >= size && octets.len() - size >= length).then_some((tag, size, length))
}

/// All of the octets as elements, or nothing.
fn parse(mut octets: &[u8], depth: usize, count: &mut usize) -> Option<Vec<Node>> {
    let mut nodes = Vec::new();
    while !octets.is_empty() {
        let (tag, size, length) = header(octets)?;
        *count += 1;
        if *count > ELEMENTS {
            return None;
        }
        let content = &octets[size..size + length];
        let opened = depth < DEPTH && (tag & 0x20 != 0 || (tag == 4 && length > 4));
        let inner = if opened { parse(content, depth + 1, count) } else { None };
        let body = match inner {
            Some(inner) if tag & 0x20 != 0 || !inner.is_empty() => Body::Nodes(inner),
            _ => Body::Octets(content.to_vec()),
        };
        nodes.push(Node { tag, body });
        octets = &octets[size + length..];
    }
    Some(nodes)
}

fn write(nodes: &[Node], wrong: &mut Option<(usize, u64)>, out: &mut Vec<u8>) {
    for node in nodes {
        let mut content = Vec::new();
        match &node.body {
            Body::Octets(octets) => content.extend_from_slice(octets),
            Body::Nodes(inner) => write(inner, wrong, &mut content),
        }
        out.push(node.tag);
        let odd = match wrong {
            Some((0, how)) => {
                let how = *how;
                *wrong = None;
                Some(how)
            }
            Some((left, _)) => {
                *left -= 1;
                None
            }
            None => None,
        };
        let length = content.len() as u32;
        match odd.map(|how| how % 5) {
            Some(0) => out.push(0x80), // indefinite, and not ended
            Some(1) => {
                out.push(0x80);
                out.extend_from_slice(&content);
                out.extend_from_slice(&[0, 0]);
                continue;
            }
            Some(2) => out.extend_from_slice(&[&[0x84][..], &length.to_be_bytes()].concat()), // longer than needed
            Some(3) => out.extend_from_slice(&[0x84, 0xff, 0xff, 0xff, 0xff]),
            Some(_) => out.extend_from_slice(&[0x82, (length >> 8) as u8, length.wrapping_add(1) as u8]),
            None => match length {
                0..=0x7f => out.push(length as u8),
                0x80..=0xff => out.extend_from_slice(&[0x81, length as u8]),
                0x100..=0xffff => out.extend_from_slice(&[0x82, (length >> 8) as u8, length as u8]),
                _ => out.extend_from_slice(&[&[0x84][..], &length.to_be_bytes()].concat()),
            },
        }
        out.extend_from_slice(&content);
    }
}

fn total(nodes: &[Node]) -> usize {
    let inner = |node: &Node| if let Body::Nodes(inner) = &node.body { total(inner) } else { 0 };
    nodes.iter().map(|node| 1 + inner(node)).sum()
}

/// Does something to the list that holds the element of this number, at its place there.
fn at(nodes: &mut Vec<Node>, number: &mut usize, change: &mut dyn FnMut(&mut Vec<Node>, usize)) -> bool {
    for place in 0..nodes.len() {
        if *number == 0 {
            change(nodes, place);
            return true;
        }
        *number -= 1;
        if let Body::Nodes(inner) = &mut nodes[place].body
            && at(inner, number, change)
        {
            return true;
        }
    }
    false
}

fn copy_of(nodes: &[Node], number: &mut usize) -> Option<Node> {
    for node in nodes {
        if *number == 0 {
            return Some(node.clone());
        }
        *number -= 1;
        if let Body::Nodes(inner) = &node.body
            && let Some(found) = copy_of(inner, number)
        {
            return Some(found);
        }
    }
    None
}

/// What attributes, algorithms and extensions are called; content octets.
const NAMES: &[&[u8]] = &[
    &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 4],              // SpcIndirectDataContent
    &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 4, 1],              // nested signature
    &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 3, 3, 1],              // RFC 3161 countersignature
    &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 12],             // SpcSpOpusInfo
    &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 10, 3, 13],            // lifetime signing
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3],        // contentType
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4],        // messageDigest
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 5],        // signingTime
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 6],        // counterSignature
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 4], // TSTInfo
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2],        // signedData
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1],        // rsaEncryption
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10],       // RSASSA-PSS
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11],       // sha256WithRSAEncryption
    &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1],              // SHA-256
    &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3],              // SHA-512
    &[0x2b, 0x0e, 3, 2, 0x1a],                             // SHA-1
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 5],           // MD5
    &[0x55, 0x1d, 19],                                     // basicConstraints
    &[0x55, 0x1d, 15],                                     // keyUsage
    &[0x55, 0x1d, 37],                                     // extKeyUsage
    &[0x55, 0x1d, 30],                                     // nameConstraints
    &[0x55, 0x1d, 32],                                     // certificatePolicies
    &[0x55, 0x1d, 28],                                     // issuingDistributionPoint
    &[0x2b, 6, 1, 5, 5, 7, 3, 3],                          // codeSigning
    &[0x2b, 6, 1, 5, 5, 7, 3, 8],                          // timeStamping
];

fn alter(octets: &mut Vec<u8>, tag: u8, dice: &mut Dice) {
    if tag == 6 && dice.below(2) == 0 {
        *octets = NAMES[dice.below(NAMES.len())].to_vec();
        return;
    }
    let place = dice.below(octets.len().max(1));
    match dice.below(7) {
        0 | 1 if !octets.is_empty() => octets[place] ^= 1 << dice.below(8),
        2 if !octets.is_empty() => octets[place] = dice.next() as u8,
        3 => octets.truncate(place),
        4 => octets.insert(place.min(octets.len()), dice.next() as u8),
        5 => octets.extend(std::iter::repeat_n(dice.next() as u8, dice.below(70))),
        _ => octets.clear(),
    }
}

fn change(nodes: &mut Vec<Node>, dice: &mut Dice) {
    let count = total(nodes);
    let mut number = dice.below(count);
    let mut other = dice.below(count);
    let replacement = copy_of(nodes, &mut other);
    at(nodes, &mut number, &mut |list, place| match dice.below(10) {
        0 => {
            list.remove(place);
        }
        1 => list.insert(place, list[place].clone()),
        2 => {
            let other = dice.below(list.len());
            list.swap(place, other);
        }
        3 => {
            list[place].tag =
                [0x02, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x17, 0x18, 0x30, 0x31, 0x80, 0xa0, 0xa1][dice.below(13)]
        }
        4 => list[place].tag ^= 1 << dice.below(8),
        5 => list.extend(replacement.clone()),
        6 => list[place] = replacement.clone().unwrap_or_else(|| list[place].clone()),
        7 => {
            let wrapped = list[place].clone();
            list[place] = Node { tag: [0x30, 0x31, 0xa0, 0x24][dice.below(4)], body: Body::Nodes(vec![wrapped]) };
        }
        _ => match &mut list[place] {
            Node { tag, body: Body::Octets(octets) } => alter(octets, *tag, dice),
            Node { body: Body::Nodes(inner), .. } => {
                if !inner.is_empty() {
                    let (from, to) = (dice.below(inner.len()), dice.below(inner.len()));
                    inner.swap(from, to);
                }
            }
        },
    });
}

/// DER that is about to be changed, time and again.
pub struct Tree {
    nodes: Vec<Node>,
    /// What follows the last whole element stays behind it.
    rest: Vec<u8>,
    length: usize,
}

impl Tree {
    /// Nothing where the octets are no DER.
    #[must_use]
    pub fn of(octets: &[u8]) -> Option<Tree> {
        let whole = header(octets).map(|(_, size, length)| size + length)?;
        let nodes = parse(&octets[..whole], 0, &mut 0)?;
        Some(Tree { nodes, rest: octets[whole..].to_vec(), length: octets.len() })
    }

    /// The octets with a few changes, at most `room` of them; nothing where they would be more, or none.
    #[must_use]
    pub fn mutated(&self, seed: u32, room: usize) -> Option<Vec<u8>> {
        let mut dice = Dice(u64::from(seed));
        let mut nodes = self.nodes.clone();
        for _ in 0..=dice.below(3) {
            if nodes.is_empty() {
                return None;
            }
            change(&mut nodes, &mut dice);
        }
        let mut wrong = (dice.below(8) == 0).then(|| (dice.below(total(&nodes)), dice.next()));
        let mut out = Vec::with_capacity(self.length + 64);
        write(&nodes, &mut wrong, &mut out);
        out.extend_from_slice(&self.rest);
        (out.len() <= room && !out.is_empty()).then_some(out)
    }
}

/// The octets with a few changes, at most `room` of them; nothing where they are no DER, or would be too many.
#[must_use]
pub fn mutated(octets: &[u8], seed: u32, room: usize) -> Option<Vec<u8>> {
    Tree::of(octets)?.mutated(seed, room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_changed_is_written_as_it_was() {
        let (files, _) = crate::host::seeds_of_blobs();
        let mut count = 0;
        for blob in files {
            // Some signatures are cut off, or BER.
            let Some((_, size, length)) = header(&blob) else { continue };
            let whole = size + length;
            let Some(nodes) = parse(&blob[..whole], 0, &mut 0) else { continue };
            let mut out = Vec::new();
            write(&nodes, &mut None, &mut out);
            if out == blob[..whole] {
                count += 1;
            }
        }
        assert!(count > 50, "{count}");
    }

    #[test]
    fn most_changes_are_changes_and_stay_der() {
        let (blobs, _) = crate::host::seeds_of_blobs();
        let (mut changed, mut der) = (0, 0);
        for seed in 0..1000 {
            if let Some(out) = mutated(&blobs[seed as usize % blobs.len()], seed, 1 << 20) {
                changed += usize::from(out != blobs[seed as usize % blobs.len()]);
                der += usize::from(header(&out).is_some());
            }
        }
        assert!(changed > 800 && der > 700, "{changed} {der}");
    }
}
