//! Names of what people call `.wav` and is none, by its first bytes; and of the codings inside a WAV
//! file that are not read. An error that names the format says what to do.

/// What a file is, as far as its first twelve bytes tell.
pub(super) fn name(head: &[u8]) -> String {
    let begins = |magic: &[u8]| head.starts_with(magic);
    let found = match head {
        _ if head.is_empty() => "an empty file",
        _ if begins(b"RIFF") && head.get(8..12) == Some(b"WAVE") => "a WAV file",
        _ if begins(b"RIFF") && head.get(8..12) == Some(b"AVI ") => "an AVI film",
        _ if begins(b"RIFF") && head.get(8..12) == Some(b"WEBP") => "a WebP picture",
        _ if begins(b"RIFF") || begins(b"RIFX") => "a RIFF file of another kind, or a part of one",
        _ if begins(b"riff") => "Sony Wave64",
        _ if begins(b"OggS") => "an Ogg file (Vorbis or Opus)",
        _ if begins(b"fLaC") => "FLAC",
        _ if begins(b"ID3") => "MP3",
        [0xff, second, ..] if second & 0xe6 == 0xe2 => "MP3",
        [0xff, second, ..] if second & 0xf6 == 0xf0 => "AAC",
        _ if begins(b"FORM") => "AIFF",
        _ if begins(b".snd") => "Sun AU",
        _ if begins(b"NIST_1A") => "NIST SPHERE",
        _ if begins(b"caff") => "Apple Core Audio",
        _ if begins(b"#!AMR") => "AMR",
        _ if head.get(4..8) == Some(b"ftyp") => "MP4 (m4a)",
        [0x1a, 0x45, 0xdf, 0xa3, ..] => "Matroska or WebM",
        [0x30, 0x26, 0xb2, 0x75, ..] => "Windows Media",
        [0x1f, 0x8b, ..] => "a gzip archive",
        _ if begins(b"PK\x03\x04") => "a zip archive",
        [0x00, 0x05, 0x16, 0x07, ..] => "an AppleDouble file (._ beside the real one)",
        _ if begins(b"version http") => "a Git LFS pointer, not the file itself",
        [b'<', ..] => "a page of HTML or XML",
        _ => "",
    };
    if found.is_empty() {
        let bytes: Vec<String> = head.iter().take(4).map(|b| format!("{b:02x}")).collect();
        return format!("a file that begins with the bytes {}", bytes.join(" "));
    }
    found.to_string()
}

/// The name of a coding by its number in the chunk `fmt`.
pub(super) fn coding(tag: u16) -> String {
    let name = match tag {
        0x0002 => "Microsoft ADPCM",
        0x0008 => "DTS",
        0x0011 => "IMA ADPCM",
        0x0016 => "G.723 ADPCM",
        0x0031 => "GSM 6.10",
        0x0040 | 0x0045 | 0x0064 => "G.721 or G.726 ADPCM",
        0x0050 => "MPEG layer 1 or 2",
        0x0055 => "MP3",
        0x0092 => "AC-3 over S/PDIF",
        0x00ff | 0x1600..=0x1610 => "AAC",
        0x0160..=0x0163 => "Windows Media Audio",
        0x2000 => "AC-3",
        0x674f..=0x6771 => "Ogg Vorbis",
        0xf1ac => "FLAC",
        0xfffe => "an extended format without its sub-format",
        _ => "",
    };
    if name.is_empty() {
        return format!("coding 0x{tag:04x}");
    }
    format!("{name} (coding 0x{tag:04x})")
}
