//! The events that the published detections of T1553.002 and T1036.001 expect of their tests, others that matter, and
//! some that nobody should hear of.

#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::arithmetic_side_effects)]

use std::path::Path;

use sha2::Digest;

use super::eventlog::Told;

const SYSMON: &str = "Microsoft-Windows-Sysmon";
const POWERSHELL: &str = "Microsoft-Windows-PowerShell";
const SECURITY: &str = "Microsoft-Windows-Security-Auditing";
const TEMP: &str = r"C:\Users\Jürgen\AppData\Local\Temp";
const SHELL: &str = r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe";

fn hashes(file: &str) -> String {
    let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(file)).unwrap();
    let hex = |digest: &[u8]| digest.iter().map(|octet| format!("{octet:02X}")).collect::<String>();
    format!(
        "MD5={},SHA256={},IMPHASH={}",
        hex(&md5::Md5::digest(&bytes)),
        hex(&sha2::Sha256::digest(&bytes)),
        "0".repeat(32)
    )
}

/// The events in their order, a second apart.
#[derive(Default)]
struct Log(Vec<Told>);

impl Log {
    fn put(&mut self, provider: &'static str, id: u32, data: &[(&'static str, &str)]) {
        let channel = match provider {
            SYSMON => "Microsoft-Windows-Sysmon/Operational",
            POWERSHELL => "Microsoft-Windows-PowerShell/Operational",
            _ => "Security",
        };
        let second = 120 + self.0.len() as u64;
        let data = data.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
        self.0.push(Told { provider, channel, id, second, host: "WS01.example.test", data });
    }

    fn process(&mut self, image: &str, command: &str, parent: &str, file: Option<&str>) {
        let hashes = file.map(hashes).unwrap_or_default();
        let original = image.rsplit('\\').next().unwrap();
        self.put(
            SYSMON,
            1,
            &[
                ("UtcTime", "2026-05-04 03:02:00.123"),
                ("ProcessId", "4711"),
                ("Image", image),
                ("OriginalFileName", original),
                ("CommandLine", command),
                ("User", r"EXAMPLE\jürgen"),
                ("Hashes", &hashes),
                ("ParentImage", parent),
            ],
        );
    }

    fn load(&mut self, loaded: &str, file: &str, [signed, signature, status]: [&str; 3]) {
        self.put(
            SYSMON,
            7,
            &[
                ("Image", r"C:\Windows\System32\rundll32.exe"),
                ("ImageLoaded", loaded),
                ("Hashes", &hashes(file)),
                ("Signed", signed),
                ("Signature", signature),
                ("SignatureStatus", status),
                ("User", r"EXAMPLE\jürgen"),
            ],
        );
    }

    fn written(&mut self, name: &str, by: &str) {
        self.put(
            SYSMON,
            11,
            &[("Image", by), ("TargetFilename", &format!(r"{TEMP}\{name}")), ("User", r"EXAMPLE\jürgen")],
        );
    }

    fn store(&mut self, hive: &str) {
        let key = r"SOFTWARE\Microsoft\SystemCertificates\TrustedPublisher\Certificates";
        let target = format!(r"{hive}\{key}\0123456789ABCDEF0123456789ABCDEF01234567\Blob");
        self.put(
            SYSMON,
            13,
            &[
                ("EventType", "SetValue"),
                ("Image", r"C:\Windows\System32\certutil.exe"),
                ("TargetObject", &target),
                ("Details", "Binary Data"),
            ],
        );
    }

    fn script(&mut self, text: &str) {
        self.put(
            POWERSHELL,
            4104,
            &[
                ("MessageNumber", "1"),
                ("MessageTotal", "1"),
                ("ScriptBlockText", text),
                ("ScriptBlockId", "5d8ec58d-5a2f-4b4c-9f5f-df00df00df00"),
                ("Path", ""),
            ],
        );
    }
}

/// Files of the machine's drive `C:` and the test data that they are.
pub const FILES: [(&str, &str); 5] = [
    ("Users/Jürgen/AppData/Local/Temp/test_signed.exe", "scenarios/t1036.001-test-1/test_signed.exe"),
    ("Users/Jürgen/AppData/Local/Temp/Source.exe", "scenarios/t1036.001-test-2/source.exe"),
    ("Users/Jürgen/AppData/Local/Temp/copied.exe", "scenarios/t1036.001-test-2/copied.exe"),
    ("Users/Jürgen/AppData/Local/Temp/expired.exe", "scenarios/t1036.001-test-3/expired.exe"),
    ("Users/Jürgen/AppData/Local/Temp/df00tech-test.exe", "scenarios/t1553.002-test-1/df00tech-test.exe"),
];

pub fn events() -> Vec<Told> {
    let mut log = Log::default();
    code_signing(&mut log);
    invalid_signatures(&mut log);
    others(&mut log);
    log.0
}

/// T1553.002, tests 1 to 3.
fn code_signing(log: &mut Log) {
    let signtool = r"C:\Program Files (x86)\Windows Kits\10\bin\x64\signtool.exe";
    let certutil = r"C:\Windows\System32\certutil.exe";
    let make = "$cert = New-SelfSignedCertificate -Type CodeSigningCert -Subject 'CN=df00tech'";
    log.process(SHELL, &format!("powershell.exe -Command \"{make}\""), r"C:\Windows\explorer.exe", None);
    log.script(&format!(
        "{make}\n$cert | Export-PfxCertificate -FilePath $env:TEMP\\df00tech-codesign.pfx -Password $p"
    ));
    log.written("df00tech-codesign.pfx", SHELL);
    log.process(signtool, "signtool.exe /sign /f df00tech-codesign.pfx /fd sha256 df00tech-test.exe", SHELL, None);
    log.written("df00tech-test.exe", signtool);

    log.script("New-SelfSignedCertificate -Type CodeSigningCert -Subject 'CN=df00tech <publisher> & \"others\"'");
    log.written("df00tech-publisher.cer", SHELL);
    log.process(certutil, "certutil.exe -addstore TrustedPublisher df00tech-publisher.cer", SHELL, None);
    log.store("HKLM");

    log.written("df00tech-sign-test.cer", SHELL);
    log.process(
        certutil,
        "certutil -addstore -user TrustedPublisher df00tech-sign-test.cer",
        r"C:\Windows\System32\cmd.exe",
        None,
    );
    log.store("HKU\\S-1-5-21-1-2-3-1001");
    log.written("df00tech-payload.ps1", SHELL);
    log.script("Set-AuthenticodeSignature -FilePath $env:TEMP\\df00tech-payload.ps1 -Certificate $cert");
}

/// T1036.001, tests 1 to 3.
fn invalid_signatures(log: &mut Log) {
    let unavailable = ["false", "-", "Unavailable"];
    let scenario = |number: u32, name: &str| format!("scenarios/t1036.001-test-{number}/{name}");
    let (signed, copied) = (format!(r"{TEMP}\test_signed.exe"), format!(r"{TEMP}\copied.exe"));
    log.process(&signed, "test_signed.exe", SHELL, Some(&scenario(1, "test_signed.exe")));
    log.load(&signed, &scenario(1, "test_signed.exe"), ["true", "Microsoft Corporation", "Untrusted"]);

    log.process(
        SHELL,
        "powershell.exe -Command \"Get-AuthenticodeSignature source.exe\"",
        r"C:\Windows\explorer.exe",
        None,
    );
    log.written("source.exe", SHELL);
    log.written("copied.exe", SHELL);
    log.load(&copied, &scenario(2, "copied.exe"), unavailable);

    log.script("New-SelfSignedCertificate -Type CodeSigningCert -NotAfter (Get-Date).AddDays(-1) -Subject CN=Expired");
    log.process(SHELL, "powershell.exe -File expire.ps1", r"C:\Windows\explorer.exe", None);
    log.load(&format!(r"{TEMP}\expired.exe"), &scenario(3, "expired.exe"), unavailable);
}

/// Other sources, and what is in order.
fn others(log: &mut Log) {
    log.put(
        SYSMON,
        6,
        &[
            ("ImageLoaded", r"C:\Windows\System32\drivers\gone.sys"),
            ("Hashes", &hashes("scenarios/hooksigntool/driver.sys")),
            ("Signed", "true"),
            ("Signature", "Contoso Ltd"),
            ("SignatureStatus", "Expired"),
        ],
    );
    log.put(
        SECURITY,
        4688,
        &[
            ("SubjectUserName", "jürgen"),
            ("NewProcessName", r"C:\Windows\System32\certutil.exe"),
            ("CommandLine", r"certutil.exe -addstore Root C:\Temp\𝔯oot.cer"),
            ("ParentProcessName", r"C:\Windows\System32\cmd.exe"),
        ],
    );
    let tool = "scenarios/t1036.001-test-2/source.exe";
    log.load(&format!(r"{TEMP}\SOURCE.EXE"), tool, ["true", "Fixture Publisher", "Valid"]);
    log.process(r"C:\Windows\System32\notepad.exe", "notepad.exe report.txt", r"C:\Windows\explorer.exe", None);
    log.process(r"C:\Kits\signtool.exe", "signtool.exe verify /pa source.exe", SHELL, None);
    log.put(SYSMON, 13, &[("EventType", "SetValue"), ("TargetObject", r"HKLM\SOFTWARE\Contoso\Root\Version")]);
    log.put(SYSMON, 3, &[("Image", SHELL), ("DestinationIp", "192.0.2.1")]);
}
