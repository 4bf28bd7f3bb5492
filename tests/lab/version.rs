//! A resource section that holds one VS_VERSIONINFO (PE format, "The .rsrc Section"; winver.h).

/// What a version resource says.
pub struct Version {
    pub strings: &'static [(&'static str, &'static str)],
    /// Of the file and of the product, as numbers: dwFileVersionMS and LS, dwProductVersionMS and LS.
    pub fixed: [u32; 4],
}

/// That of the fixtures. An attacker's copy is told by what it says, so it says something.
pub const FIXTURE: Version = Version {
    strings: &[
        ("CompanyName", "Sigscan Fixtures"),
        ("FileDescription", "A file made to be judged"),
        ("FileVersion", "1.2.3.4"),
        ("OriginalFilename", "fixture.exe"),
        ("ProductName", "Fixture"),
    ],
    fixed: [0x0001_0002, 0x0003_0004, 0x0001_0002, 0x0003_0004],
};

impl Version {
    /// The section's content for a given virtual address: type 16, name 1, language 0x0409, one data entry.
    pub fn resource_section(&self, virtual_address: u32) -> Vec<u8> {
        let info = self.info();
        let mut out = Vec::new();
        for (id, offset) in [(16u32, 0x8000_0018u32), (1, 0x8000_0030), (0x0409, 0x48)] {
            out.extend([0; 12]);
            out.extend([0, 0, 1, 0]);
            out.extend(id.to_le_bytes());
            out.extend(offset.to_le_bytes());
        }
        out.extend((virtual_address + 0x58).to_le_bytes());
        out.extend((info.len() as u32).to_le_bytes());
        out.extend([0; 8]);
        out.extend(info);
        out
    }

    fn info(&self) -> Vec<u8> {
        let [file, file_low, product, product_low] = self.fixed;
        let words = [0xfeef_04bd, 0x0001_0000, file, file_low, product, product_low, 0x3f, 0, 4, 1, 0, 0, 0];
        let fixed: Vec<u8> = words.iter().flat_map(|word: &u32| word.to_le_bytes()).collect();
        let strings: Vec<Vec<u8>> =
            self.strings.iter().map(|(key, value)| node(key, true, &wide(value), &[])).collect();
        let table = node("040904B0", true, &[], &strings);
        let string_info = node("StringFileInfo", true, &[], &[table]);
        let translation = node("Translation", false, &[0x09, 0x04, 0xb0, 0x04], &[]);
        let var_info = node("VarFileInfo", true, &[], &[translation]);
        node("VS_VERSION_INFO", false, &fixed, &[string_info, var_info])
    }
}

/// One node: length, value length, type, key, value, children, each aligned to four octets.
fn node(key: &str, text: bool, value: &[u8], children: &[Vec<u8>]) -> Vec<u8> {
    let value_len = if text { value.len() / 2 } else { value.len() };
    let mut out = vec![0, 0];
    out.extend((value_len as u16).to_le_bytes());
    out.extend(u16::from(text).to_le_bytes());
    out.extend(wide(key));
    align(&mut out);
    out.extend(value);
    for child in children {
        align(&mut out);
        out.extend(child);
    }
    let len = (out.len() as u16).to_le_bytes();
    out[..2].copy_from_slice(&len);
    out
}

fn align(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(4), 0);
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}
