use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

const ROW: [u8; 16] = [7; 16];

fn spot<'a>(table: &'a str, field: &'a str, row: &'a [u8; 16]) -> Spot<'a> {
    Spot { table, field, row }
}

fn phone() -> Spot<'static> {
    spot("household", "phone", &ROW)
}

fn folder_with(cipher: Cipher) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("siji.keys");
    make(&path, cipher).unwrap();
    (folder, path)
}

#[test]
fn what_is_sealed_opens_in_its_place_and_no_other() {
    for cipher in Cipher::ALL {
        let (_folder, path) = folder_with(cipher);
        let keys = Keys::of_file(path).unwrap();
        for plain in ["", "1", "13800138000", "0123456789abcdef", "中国农业银行 622848"] {
            let sealed = keys.seal(phone(), plain.as_bytes()).unwrap();
            assert_eq!(keys.open(phone(), &sealed).unwrap().as_slice(), plain.as_bytes());
            assert_ne!(
                sealed,
                keys.seal(phone(), plain.as_bytes()).unwrap(),
                "never twice the same"
            );
            for elsewhere in [
                spot("member", "phone", &ROW),
                spot("household", "bank_account", &ROW),
                spot("householdp", "hone", &ROW),
                spot("household", "phone", &[8; 16]),
            ] {
                assert!(keys.open(elsewhere, &sealed).is_err(), "{elsewhere:?}");
            }
        }
        let lengths = ["1", "13800138000"].map(|p| keys.seal(phone(), p.as_bytes()).unwrap().len());
        assert_eq!(lengths[0], lengths[1], "short values have one length");
    }
}

#[test]
fn one_bit_anywhere_is_an_error() {
    for cipher in Cipher::ALL {
        let (_folder, path) = folder_with(cipher);
        let keys = Keys::of_file(path).unwrap();
        let sealed = keys.seal(phone(), b"13800138000").unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut turned = sealed.clone();
            turned[bit / 8] ^= 1 << (bit % 8);
            assert!(keys.open(phone(), &turned).is_err(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(keys.open(phone(), &sealed[..length]).is_err(), "cut at {length}");
        }
    }
}

#[test]
fn a_key_that_comes_into_the_file_is_found() {
    let (_folder, path) = folder_with(Cipher::Aes256GcmSiv);
    let serving = Keys::of_file(&path).unwrap();
    let old = serving.seal(phone(), b"old").unwrap();
    assert_eq!(add_key(&path, Cipher::Sm4Gcm).unwrap(), 2);
    let rotating = Keys::of_file(&path).unwrap();
    let new = rotating.seal(phone(), b"new").unwrap();
    assert!(rotating.is_stale(&old) && !rotating.is_stale(&new));
    // At once, and from then on it seals with the new one too.
    assert_eq!(serving.open(phone(), &new).unwrap().as_slice(), b"new");
    assert_eq!(serving.open(phone(), &old).unwrap().as_slice(), b"old");
    assert!(!rotating.is_stale(&serving.seal(phone(), b"x").unwrap()));

    assert!(matches!(drop_key(&path, 2), Err(Fault::InUse(2))));
    drop_key(&path, 1).unwrap();
    let without = Keys::of_file(&path).unwrap();
    assert_eq!(without.list(), [Listed { id: 2, cipher: Cipher::Sm4Gcm, is_active: true }]);
    let said = without.open(phone(), &old).unwrap_err().to_string();
    assert!(said.starts_with("the zone's key `seal 1` is missing"), "{said}");
}

#[test]
fn hashes_are_the_keys_own() {
    let (_one, one) = folder_with(Cipher::Aes256GcmSiv);
    let (_two, two) = folder_with(Cipher::Aes256GcmSiv);
    let (one, two) = (Keys::of_file(one).unwrap(), Keys::of_file(two).unwrap());
    assert_eq!(one.find("citizen_number", "1"), one.find("citizen_number", "1"));
    assert_ne!(one.find("citizen_number", "1"), one.find("phone", "1"));
    assert_ne!(one.find("citizen_number", "1"), two.find("citizen_number", "1"));
    assert_ne!(one.fingerprint(&[1; 32]), two.fingerprint(&[1; 32]));
    assert_ne!(one.proofs(), two.proofs());
    assert_eq!(one.proofs().len(), 4);
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    let (_folder, path) = folder_with(Cipher::Aes256GcmSiv);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(make(&path, Cipher::Aes256GcmSiv).is_err(), "never made anew");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(Keys::of_file(&path), Err(Fault::Exposed(_))));
    fs::remove_file(&path).unwrap();
    assert!(matches!(Keys::of_file(&path), Err(Fault::NoFile(_))));
}

#[test]
fn keys_as_text() {
    let (_folder, path) = folder_with(Cipher::Aes256GcmSiv);
    let text = fs::read_to_string(&path).unwrap();
    let one_line = text.lines().filter(|l| !l.starts_with('#')).collect::<Vec<_>>().join(";");
    assert_eq!(Keys::of_text(&one_line).unwrap().list().len(), 1);
    let refused = |text: String| Keys::of_text(&text).unwrap_err().to_string();
    assert_eq!(refused(format!("{one_line};seal x")), "line 6 of the keys is not a key");
    assert_eq!(refused(one_line.replace("active 1", "")), "the keys lack the line `active`");
    assert_eq!(refused(format!("{one_line};{one_line}")), "key find stands twice among the keys");
    assert!(refused(one_line.replace("active 1", "active 9")).contains("`seal 9` is missing"));
    assert!(refused(one_line.replace("aes-256-gcm-siv", "rot13")).starts_with("line 3"));
}

#[test]
fn a_key_file_from_before_the_posting_log_gets_its_key_once() {
    let (_folder, path) = folder_with(Cipher::Aes256GcmSiv);
    let whole = fs::read_to_string(&path).unwrap();
    let old: String =
        whole.lines().filter(|l| !l.starts_with("log ")).map(|l| format!("{l}\n")).collect();
    fs::write(&path, old).unwrap();
    let keys = || Keys::of_file(&path).unwrap();
    assert!(keys().log_keys().is_empty());
    assert!(keys().sign_log(Curve::Ed25519, b"17").is_err());
    add_log_key(&path, Curve::Ed25519).unwrap();
    let made = keys().log_keys();
    assert_eq!(made.len(), 1);
    add_log_key(&path, Curve::Ed25519).unwrap();
    assert_eq!(keys().log_keys(), made, "made once");
    add_log_key(&path, Curve::Sm2).unwrap();
    assert_eq!(keys().log_keys().len(), 2);
    let signature = keys().sign_log(Curve::Ed25519, b"17").unwrap();
    assert!(verify(Curve::Ed25519, &made[0].1, b"17", &signature));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}
