//! Devices by name, and sweeps over several of them: with two processors in place of two cards.

use super::{TINY, modalign, text};
use std::fs;

#[test]
fn a_device_that_is_not_there_is_refused_before_anything_starts() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("run");
    for device in ["tpu", "flex:1", "wgpu:x", "flex,flex"] {
        let arguments = ["report", "--device", device, "--out", out.to_str().unwrap()];
        let found = modalign(&arguments);
        assert_eq!(found.status.code(), Some(2), "{}", text(&found.stderr));
        assert!(text(&found.stderr).contains(device));
    }
    assert!(!out.exists());
}

#[test]
fn a_sweep_over_two_devices_trains_every_cell_once() {
    let home = tempfile::tempdir().unwrap();
    let suite = home.path().join("tiny.toml");
    fs::write(&suite, TINY).unwrap();
    let out = home.path().join("run");
    let sweep = |device: &str| {
        let (suite, out) = (suite.to_str().unwrap(), out.to_str().unwrap());
        modalign(&["sweep", "--suite", suite, "--out", out, "--device", device])
    };
    let found = sweep("flex,tpu");
    assert_eq!(found.status.code(), Some(1));
    let said = text(&found.stderr);
    assert!(said.contains("[tpu] modalign: device \"tpu\""), "{said}");
    assert!(said.contains("the sweep failed on tpu;"), "{said}");
    // On a fresh folder both begin at once, and neither ends while there is work.
    fs::remove_dir_all(&out).unwrap();
    let found = sweep("flex,flex");
    let said = text(&found.stderr);
    assert!(found.status.success(), "{said}");
    for worker in ["[flex 1] cells/", "[flex 2] cells/"] {
        let lines = said.lines().filter(|line| line.starts_with(worker));
        let trained = lines.filter(|line| !line.contains("done before"));
        assert!(trained.count() > 0, "{worker}: {said}");
    }
    let [all, before] = ["validation", "done before"].map(|word| said.matches(word).count());
    assert_eq!(all - before, 4, "each once: {said}");
    assert_eq!(text(&found.stdout).trim(), out.to_str().unwrap());
    let cells = fs::read_dir(out.join("cells")).unwrap();
    let done = cells.filter(|cell| cell.as_ref().unwrap().path().join("cell.json").exists());
    let again = sweep("flex");
    assert!(again.status.success() && !text(&again.stderr).contains("elsewhere"));
    let said = text(&again.stderr);
    assert_eq!(said.matches("validation").count(), done.count(), "{said}");
}
