//! Dates that are not what they seem: HookSigntool, tokens of other signatures, MagicSigner and SignToolEx.

use std::cell::RefCell;
use std::rc::Rc;

use super::forged::windows_own;
use super::{Scenario, host};
use crate::lab::ca::*;
use crate::lab::cast::{self, authority};
use crate::lab::cms::{Signature, opus};
use crate::lab::der::Der;
use crate::lab::keys::Key;
use crate::lab::pe::{Pe, sign};
use crate::lab::stamp::Token;

pub fn scenarios() -> Vec<Scenario> {
    vec![hooksigntool(), moved_token(), expired(), expired_self_signed()]
}

/// 2022-06-01, while the publisher's previous certificate was valid, and 2024-06-01, after its end.
const BEFORE_END: u32 = 0x6296_af80;
const AFTER_END: u32 = 0x665a_6480;

/// Signed with the publisher's previous certificate, which ended in 2023.
fn by_expired() -> Signature {
    Signature::with(cast::expired_leaf().der(), Key::Leaf)
}

fn built(text: &str, at: u32) -> Vec<u8> {
    Pe { built: at, ..host(text) }.bytes()
}

/// A token of 2022 from an authority that lives for such tokens.
fn rogue_token() -> Token {
    let root = dn_of("JemmyLoveJenny", "JemmyLoveJenny EV Root CA");
    let tsa = Cert::own(dn_of("JemmyLoveJenny", "Timestamp Responder"), Key::CloneLeaf, &[0x81]);
    let tsa = tsa.with(key_usage(&[0])).with(eku_critical(&[TIME_STAMPING])).by(&root, Key::CloneRoot).der();
    let mut token = Token { key: Key::CloneLeaf, ..Token::at("20220301120000Z") }.from(tsa);
    token.certs.push(authority(root, Key::CloneRoot, 0x80).der());
    token
}

/// An old certificate, a new driver, and a time authority that says what it is asked to.
fn hooksigntool() -> Scenario {
    let driver = Pe { subsystem: 1, built: AFTER_END, ..host("A driver signed by HookSigntool") }.bytes();
    Scenario {
        name: "hooksigntool",
        files: vec![("driver.sys", sign(&driver, &by_expired().add(rogue_token().attribute())))],
    }
}

/// The token of one signature on another one.
fn moved_token() -> Scenario {
    let lent = Rc::new(RefCell::new(Der::new()));
    let keep = Rc::clone(&lent);
    let lender = Signature::default().add(move |value| {
        keep.replace(Token::at(super::SIGNED).attribute()(value));
        keep.borrow().clone()
    });
    let tool = sign(&super::product("Lends its timestamp").bytes(), &lender);
    let moved = Signature::default().add(move |_| lent.borrow().clone());
    Scenario {
        name: "timestamp-moved",
        files: vec![("moved.exe", sign(&host("Under a timestamp of another's").bytes(), &moved)), ("tool.exe", tool)],
    }
}

/// The certificate is over. Without a timestamp, or with one from after its end, nothing says that the signature is
/// older; a timestamp from before does.
fn expired() -> Scenario {
    let stamped = |time| by_expired().add(Token::at(time).attribute());
    Scenario {
        name: "expired",
        files: vec![
            ("built-after.exe", sign(&built("Built after the end", AFTER_END), &by_expired())),
            ("built-before.exe", sign(&built("Built before the end", BEFORE_END), &by_expired())),
            ("stamped-after.exe", sign(&built("Stamped after the end", BEFORE_END), &stamped("20240301120000Z"))),
            ("stamped-before.exe", sign(&built("Stamped before the end", BEFORE_END), &stamped("20220901120000Z"))),
        ],
    }
}

/// T1036.001 test 3: a certificate of one's own that is over already.
fn expired_self_signed() -> Scenario {
    let cert = windows_own("Expired Test", "20220101000000Z", "20230101000000Z");
    let mut signature = Signature { opus: opus(None, None), ..Signature::with(cert.der(), Key::Other) };
    signature.certs.truncate(1);
    Scenario {
        name: "t1036.001-test-3",
        files: vec![("expired.exe", sign(&built("Signed by what is over", AFTER_END), &signature))],
    }
}
