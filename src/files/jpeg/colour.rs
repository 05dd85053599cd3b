//! Channels to red, green and blue, with libjpeg's fixed-point tables and PIL's conversion of inks.

use super::frame::Colours;

/// Binary digits after the point of a factor.
const DIGITS: u32 = 16;
const HALF: i32 = 1 << (DIGITS - 1);

const fn fixed(value: f64) -> i32 {
    (value * (1 << DIGITS) as f64 + 0.5) as i32
}

fn clamp(value: i32) -> u8 {
    value.clamp(0, 255) as u8
}

/// Red, green and blue of luma and chromas.
fn of_ycc(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
    let red = (fixed(1.402) * cr + HALF) >> DIGITS;
    let green = (-fixed(0.34414) * cb + HALF - fixed(0.71414) * cr) >> DIGITS;
    let blue = (fixed(1.772) * cb + HALF) >> DIGITS;
    [clamp(y + red), clamp(y + green), clamp(y + blue)]
}

/// Planes of red, green and blue, one after the other.
pub fn rgb(mut planes: Vec<Vec<u8>>, colours: Colours) -> Vec<u8> {
    match (colours, planes.as_mut_slice()) {
        (Colours::YCbCr, [y, cb, cr]) => {
            for ((y, cb), cr) in y.iter_mut().zip(cb).zip(cr) {
                [*y, *cb, *cr] = of_ycc(*y, *cb, *cr);
            }
        }
        (Colours::Cmyk | Colours::Ycck, [c, m, y, k]) => {
            for (((c, m), y), k) in c.iter_mut().zip(m).zip(y).zip(k) {
                let mut inks = [*c, *m, *y];
                if colours == Colours::Ycck {
                    inks = of_ycc(*c, *m, *y).map(|v| 255 - v);
                }
                // Written inverted, as Adobe does: PIL takes every such file so.
                let paper = u32::from(*k);
                [*c, *m, *y] = inks.map(|ink| {
                    let ink = 255 - u32::from(ink);
                    let product = ink * paper + 128;
                    (paper - ((product + (product >> 8)) >> 8)) as u8
                });
            }
            planes.truncate(3);
        }
        (Colours::Grey, [grey]) => {
            let grey = grey.clone();
            planes.extend([grey.clone(), grey]);
        }
        _ => {}
    }
    planes.concat()
}
