//! The coefficients of a scan, sequential or progressive (ITU-T T.81, annexes F and G).

use super::frame::{Frame, Quant, Tables, ZIGZAG};
use super::huffman::{Bits, Huffman};
use crate::files::{Fault, fault};

/// What a scan brings: coefficients `first` to `last`, from bit `high` (0: none before) to bit `low`.
struct Band {
    progressive: bool,
    first: usize,
    last: usize,
    high: u32,
    low: u32,
}

/// What is remembered from block to block.
struct State {
    /// The last first coefficient of every channel.
    before: [i32; 4],
    /// Blocks that still end before their first coefficient.
    ended: u32,
}

/// The codes of a channel.
type Codes<'a> = (Option<&'a Huffman>, Option<&'a Huffman>);

/// Reads the scan whose header is `body` and whose data begin at `at`; gives where they end.
pub fn scan(
    bytes: &[u8],
    at: usize,
    body: &[u8],
    frame: &mut Frame,
    tables: &Tables,
) -> Result<usize, Fault> {
    let count = usize::from(body.first().copied().unwrap_or(0));
    let (Some(heads), Some(&[first, last, bits])) =
        (body.get(1..1 + 2 * count), body.get(1 + 2 * count..))
    else {
        return fault("JPEG scan", "a whole header", body.len());
    };
    let band = Band {
        progressive: frame.progressive,
        first: usize::from(first),
        last: usize::from(last).min(63),
        high: u32::from(bits >> 4),
        low: u32::from(bits & 15),
    };
    let band = if frame.progressive {
        let mixed = band.first == 0 && band.last != 0 || band.first > 0 && count > 1;
        if band.first > band.last || band.low > 13 || mixed {
            let found = format!("{first} to {last}, bits {}, {count} channels", band.low);
            return fault("JPEG scan", "a band of coefficients", found);
        }
        band
    } else {
        Band {
            first: 0,
            last: 63,
            high: 0,
            low: 0,
            ..band
        }
    };
    let (mut chosen, mut codes): (Vec<usize>, Vec<Codes>) = (Vec::new(), Vec::new());
    for head in heads.chunks_exact(2) {
        let place = frame.components.iter().position(|c| c.id == head[0]);
        let Some(place) = place.filter(|p| !chosen.contains(p)) else {
            return fault("JPEG scan", "channels of the frame, once each", head[0]);
        };
        let (dc, ac) = (usize::from(head[1] >> 4), usize::from(head[1] & 15));
        let dc = tables.dc.get(dc).and_then(Option::as_ref);
        let ac = tables.ac.get(ac).and_then(Option::as_ref);
        let wants_dc = band.first == 0 && band.high == 0;
        let wants_ac = band.last > 0;
        if wants_dc && dc.is_none() || wants_ac && ac.is_none() {
            return fault("JPEG scan", "its Huffman tables before it", "none");
        }
        begin(frame, place, &tables.quant)?;
        chosen.push(place);
        codes.push((dc, ac));
    }
    if chosen.is_empty() {
        return fault("JPEG scan", "at least one channel", 0);
    }
    walk(bytes, at, frame, &chosen, &codes, &band, tables.restart)
}

/// Room for a channel's coefficients, and its quantisation, when its first scan begins.
fn begin(frame: &mut Frame, place: usize, quant: &[Option<Quant>; 4]) -> Result<(), Fault> {
    let component = &mut frame.components[place];
    if component.quant.is_none() {
        let Some(steps) = quant[component.table] else {
            let expected = "its quantisation table before it";
            return fault("JPEG scan", expected, "none");
        };
        component.quant = Some(steps);
        let [rows, columns] = component.padded;
        component.coefficients = vec![[0; 64]; rows * columns];
    }
    Ok(())
}

/// Goes through all blocks of a scan.
fn walk(
    bytes: &[u8],
    at: usize,
    frame: &mut Frame,
    chosen: &[usize],
    codes: &[Codes],
    band: &Band,
    restart: usize,
) -> Result<usize, Fault> {
    let mut bits = Bits::new(bytes, at);
    let mut state = State {
        before: [0; 4],
        ended: 0,
    };
    // A channel alone has its own blocks only; several come in units.
    let alone = chosen.len() == 1;
    let [rows, columns] = if alone {
        frame.components[chosen[0]].blocks
    } else {
        frame.units
    };
    for unit in 0..rows * columns {
        if restart > 0 && unit > 0 && unit.is_multiple_of(restart) {
            bits = Bits::new(bytes, after_restart(bytes, bits.at)?);
            state = State {
                before: [0; 4],
                ended: 0,
            };
        }
        let (row, column) = (unit / columns, unit % columns);
        for (&place, &codes) in chosen.iter().zip(codes) {
            let component = &mut frame.components[place];
            let [across, down] = if alone { [1, 1] } else { component.sampling };
            let stride = component.padded[1];
            for i in 0..down {
                for j in 0..across {
                    let at = (row * down + i) * stride + column * across + j;
                    let block = &mut component.coefficients[at];
                    one(&mut bits, block, codes, band, &mut state, place)?;
                }
            }
        }
        bits.check()?;
    }
    Ok(bits.at)
}

/// Where data go on after the restart marker at or after `at`.
fn after_restart(bytes: &[u8], mut at: usize) -> Result<usize, Fault> {
    loop {
        match (bytes.get(at), bytes.get(at + 1)) {
            (Some(0xff), Some(0xd0..=0xd7)) => return Ok(at + 2),
            (Some(0xff), Some(0 | 0xff)) | (Some(0..=0xfe), _) => at += 1,
            _ => return fault("JPEG data", "a restart marker", "none"),
        }
    }
}

/// One block.
fn one(
    bits: &mut Bits,
    block: &mut [i16; 64],
    (dc, ac): Codes,
    band: &Band,
    state: &mut State,
    place: usize,
) -> Result<(), Fault> {
    let mut first = band.first;
    if first == 0 {
        if band.high > 0 {
            block[0] |= (bits.take(1) << band.low) as i16;
        } else if let Some(dc) = dc {
            let size = bits.symbol(dc)?;
            let value = state.before[place].wrapping_add(bits.signed(u32::from(size)));
            state.before[place] = value;
            block[0] = (value << band.low) as i16;
        }
        first = 1;
    }
    let Some(ac) = ac.filter(|_| band.last > 0) else {
        return Ok(());
    };
    if band.high == 0 {
        begun(bits, block, ac, band, first, state)
    } else {
        refined(bits, block, ac, band, first, state)
    }
}

/// Puts a coefficient at a place in the order of writing.
fn put(block: &mut [i16; 64], place: usize, value: i32) -> Result<(), Fault> {
    match ZIGZAG.get(place) {
        Some(&at) => block[at] = value as i16,
        None => return fault("JPEG data", "64 coefficients a block", "more"),
    }
    Ok(())
}

/// The coefficients of a band: all of a block in a sequential scan, their upper bits in a progressive one.
fn begun(
    bits: &mut Bits,
    block: &mut [i16; 64],
    ac: &Huffman,
    band: &Band,
    first: usize,
    state: &mut State,
) -> Result<(), Fault> {
    if state.ended > 0 {
        state.ended -= 1;
        return Ok(());
    }
    let mut place = first;
    while place <= band.last {
        let symbol = bits.symbol(ac)?;
        let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
        match (run, size) {
            (15, 0) => place += 16,
            (_, 0) => {
                if band.progressive {
                    state.ended = (1 << run) - 1 + bits.take(run as u32);
                }
                break;
            }
            _ => {
                place += run;
                let value = bits.signed(size) << band.low;
                put(block, place, value)?;
                place += 1;
            }
        }
    }
    Ok(())
}

/// One more bit of a band.
fn refined(
    bits: &mut Bits,
    block: &mut [i16; 64],
    ac: &Huffman,
    band: &Band,
    first: usize,
    state: &mut State,
) -> Result<(), Fault> {
    let bit = 1i16 << band.low;
    let mut place = first;
    let more = |bits: &mut Bits, value: &mut i16| {
        if bits.take(1) == 1 && *value & bit == 0 {
            *value = value.wrapping_add(if *value >= 0 { bit } else { -bit });
        }
    };
    if state.ended == 0 {
        while place <= band.last {
            let symbol = bits.symbol(ac)?;
            let (mut run, size) = (u32::from(symbol >> 4), symbol & 15);
            let mut new = 0;
            if size > 0 {
                new = if bits.take(1) == 1 { bit } else { -bit };
            } else if run < 15 {
                state.ended = (1 << run) + bits.take(run);
                break;
            }
            // Over `run` coefficients that are still zero, with a bit for each that is not.
            while place <= band.last {
                let value = &mut block[ZIGZAG[place]];
                if *value != 0 {
                    more(bits, value);
                } else if run == 0 {
                    break;
                } else {
                    run -= 1;
                }
                place += 1;
            }
            if new != 0 {
                put(block, place, i32::from(new))?;
            }
            place += 1;
        }
    }
    if state.ended > 0 {
        for place in place..=band.last {
            let value = &mut block[ZIGZAG[place]];
            if *value != 0 {
                more(bits, value);
            }
        }
        state.ended -= 1;
    }
    Ok(())
}
