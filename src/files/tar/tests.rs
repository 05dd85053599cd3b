//! Archives as tar, Python, macOS and nobody honest write them.

use super::write::{archive, header};
use super::*;

#[test]
fn members_come_by_exact_name_and_nothing_else_does() {
    let files: [(&str, &[u8]); 3] = [("a/x.bin", b"one"), ("../y", b"two"), ("z", &[9; 600])];
    let tar = archive(&files);
    let read = members(&tar[..], &["z", "a/x.bin"], 600).unwrap();
    assert_eq!(read, [vec![9; 600], b"one".to_vec()]);
    assert!(members(&tar[..], &["z"], 599).is_err());
    let absent = members(&tar[..], &["x.bin"], 600).unwrap_err().to_string();
    assert!(absent.contains("a file x.bin"), "{absent}");
    // a link of that name is no file
    let mut link = header("z", 0, b'2').to_vec();
    link.resize(3 * BLOCK, 0);
    assert!(members(&link[..], &["z"], 600).is_err());
    let listed = list(&tar).unwrap();
    assert_eq!(
        (listed.len(), &listed[0]),
        (3, &("a/x.bin".to_string(), 512..515))
    );
    assert!(list(&tar[..700]).is_ok() && list(&tar[..514]).is_err());
    assert_eq!(member_at(&tar, "a/x.bin", 512, 3).unwrap(), b"one");
    assert!(member_at(&tar, "a/x.bin", 512, 4).is_err());
    assert!(member_at(&tar, "a/x.bin", usize::MAX, 4).is_err());
}

#[test]
fn long_names_dots_folders_and_apples_are_understood() {
    let long = format!("{}/file.bin", "folder".repeat(30));
    let member = |name: &str, kind: u8, contents: &[u8]| {
        let mut out = header(name, contents.len(), kind).to_vec();
        out.extend(contents);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
        out
    };
    let record = |key: &str, value: &str| {
        let bare = key.len() + value.len() + 3;
        let length = (1..9)
            .map(|digits| bare + digits)
            .find(|n| n.to_string().len() + bare == *n);
        format!("{} {key}={value}\n", length.unwrap())
    };
    let pax = record("mtime", "1.5") + &record("path", &long) + &record("size", "3");
    let gnu = format!("{long}\0");
    for front in [
        member("././@LongLink", b'L', gnu.as_bytes()),
        member("x", b'x', pax.as_bytes()),
    ] {
        let tar = [
            member("./", b'5', &[]),
            member("./._a.bin", b'0', b"apple"),
            front,
            member(&long[..99], b'0', b"abc"),
            member("./b.bin", b'7', b"bb"),
            vec![0; 1024],
        ]
        .concat();
        let read = members(&tar[..], &[&long, "b.bin"], 10).unwrap();
        assert_eq!(read, [b"abc".to_vec(), b"bb".to_vec()]);
        let names: Vec<String> = list(&tar).unwrap().into_iter().map(|f| f.0).collect();
        assert_eq!(names, [long.clone(), "b.bin".into()]);
        crate::files::fuzz::rounds(&tar, 200, |bytes, _| {
            list(bytes)?;
            members(bytes, &[&long, "b.bin"], 10)
        });
    }
}

#[test]
fn truncated_archives_and_absurd_sizes_are_refused() {
    let tar = archive(&[("first", &[1; 700]), ("last", b"end")]);
    for end in [100, 512, 900, 1600, 2000] {
        assert!(members(&tar[..end], &["last"], 100).is_err(), "{end} bytes");
    }
    let mut absurd = header("last", 0, b'0');
    absurd[124..136].fill(0);
    absurd[124] = 0x80;
    absurd[128..136].copy_from_slice(&(u64::MAX / 2).to_be_bytes());
    absurd[148..156].fill(b' ');
    let sum: u64 = absurd.iter().map(|&b| u64::from(b)).sum();
    absurd[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    assert_eq!(Header::parse(&absurd).unwrap().size, u64::MAX / 2);
    assert!(members(&absurd[..], &["last"], 1 << 20).is_err());
    assert!(members(&absurd[..], &["other"], 1 << 20).is_err());
    assert!(list(&absurd).is_err());
    // found by `make fuzz`: a checksum in base 256, whose field is shorter than a size's
    absurd[148] = 0x80;
    assert!(Header::parse(&absurd).is_err());
}
