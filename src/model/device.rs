//! Names of devices on the command line, and what this build can run on: `flex`, `wgpu`, `wgpu:1`,
//! `wgpu:0000:65:00.0`.

#[cfg(any(feature = "gpu", feature = "gpu-vulkan"))]
pub mod adapters;
pub mod fault;

use super::ModelError;
use burn::backend::DispatchDevice;
use burn::tensor::{DType, Device};

/// Device names in the order of preference, with whether this build has them and the cargo
/// feature that brings them.
pub const DEVICES: [(&str, bool, &str); 5] = [
    ("flex", true, "always built"),
    ("ndarray", cfg!(feature = "ndarray"), "ndarray"),
    ("wgpu", cfg!(feature = "gpu"), "gpu"),
    ("vulkan", cfg!(feature = "gpu-vulkan"), "gpu-vulkan"),
    ("cuda", cfg!(feature = "cuda"), "cuda"),
];

/// Names of the devices that this build has, comma-separated.
pub fn compiled() -> String {
    let names: Vec<_> = DEVICES.iter().filter(|d| d.1).map(|d| d.0).collect();
    names.join(", ")
}

/// What a record says of an opened device: the name asked for, and of a card also its own.
pub fn describe(asked: &str, device: &Device) -> String {
    #[cfg(any(feature = "gpu", feature = "gpu-vulkan", feature = "cuda"))]
    if let Some(identity) = device.identity() {
        return format!("{asked} ({})", identity.name);
    }
    let _ = device; // the processor's devices have no other name
    asked.to_owned()
}

/// Whether work is queued on the device: there, reading a number waits for all that was asked before.
pub fn queues(device: &Device) -> bool {
    match device.as_dispatch() {
        DispatchDevice::Flex(_) => false,
        DispatchDevice::Autodiff(device) => !matches!(**device, DispatchDevice::Flex(_)),
        #[allow(unreachable_patterns)] // reachable when another device is compiled in
        _ => true,
    }
}

/// Refuses a float type that the device cannot compute in.
pub fn supports(name: &str, device: &Device, dtype: DType) -> Result<(), ModelError> {
    if dtype == DType::F32 || device.supports_dtype(dtype) {
        return Ok(());
    }
    Err(refusal(
        &format!("{name} in {dtype:?}"),
        "it does not compute in that float type; --precision f32 works everywhere",
    ))
}

fn refusal(asked: &str, hint: impl Into<String>) -> ModelError {
    ModelError::Device {
        asked: asked.into(),
        compiled: compiled(),
        hint: hint.into(),
    }
}

/// One of several cards.
#[cfg_attr(
    not(any(feature = "gpu", feature = "gpu-vulkan", feature = "cuda")),
    allow(dead_code)
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    /// Its number in the list of adapters.
    Index(usize),
    /// Its address on the PCI bus: domain, bus, device, function. A batch system gives cards by their address, or
    /// by numbers that a graphics API does not know.
    Pci([u32; 4]),
}

impl Which {
    fn parse(text: &str) -> Option<Self> {
        let index = text.parse().ok().map(Self::Index);
        index.or_else(|| pci(text).map(Self::Pci))
    }
}

/// A PCI address, `DOMAIN:BUS:DEVICE.FUNCTION` in hexadecimal digits; drivers differ in how many zeros they write.
fn pci(text: &str) -> Option<[u32; 4]> {
    let (rest, function) = text.split_once('.')?;
    let parts: Vec<&str> = rest.split(':').chain([function]).collect();
    let [domain, bus, device, function] = parts[..] else {
        return None;
    };
    let number = |digits: &str| {
        let fine = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_hexdigit());
        fine.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
    };
    Some([
        number(domain)?,
        number(bus)?,
        number(device)?,
        number(function)?,
    ])
}

/// Opens the device called `asked`: a name, or a name and an index as `modalign doctor` lists them, or a name and
/// a PCI address. A bare name is index 0, the best adapter.
///
/// # Errors
/// [`ModelError::Device`]: an unknown name, one that this build lacks, no such adapter, or a driver that
/// does not open it.
pub fn open(asked: &str) -> Result<Device, ModelError> {
    #[cfg_attr(
        not(any(feature = "gpu", feature = "gpu-vulkan", feature = "cuda")),
        allow(unused_variables)
    )]
    let (name, which) = match asked.split_once(':') {
        None => (asked, None),
        Some((name, which)) => match Which::parse(which) {
            Some(which) if matches!(name, "wgpu" | "vulkan") => (name, Some(which)),
            Some(which @ Which::Index(_)) if name == "cuda" => (name, Some(which)),
            Some(_) if DEVICES.iter().any(|d| d.0 == name) => {
                return Err(refusal(
                    asked,
                    format!("there is one {name}; it takes no index"),
                ));
            }
            _ => (asked, None),
        },
    };
    match name {
        "flex" => Ok(Device::flex()),
        #[cfg(feature = "ndarray")]
        #[allow(deprecated)]
        // upstream's removal is planned; it is our independent CPU reference
        "ndarray" => Ok(Device::ndarray()),
        #[cfg(feature = "gpu")]
        "wgpu" => graphics(asked, which.unwrap_or(Which::Index(0)), None),
        #[cfg(feature = "gpu-vulkan")]
        "vulkan" => graphics(
            asked,
            which.unwrap_or(Which::Index(0)),
            Some(burn::tensor::wgpu::WgpuBackend::Vulkan),
        ),
        #[cfg(feature = "cuda")]
        "cuda" => {
            // Opened at once: a missing driver is better told now than in the middle of a run.
            let index = match which {
                Some(Which::Index(index)) => index,
                _ => 0,
            };
            let device = Device::cuda(index);
            fault::guarded(asked, || device.identity())?;
            Ok(device)
        }
        _ => Err(match DEVICES.iter().find(|d| d.0 == name) {
            Some((_, _, feature)) => refusal(
                asked,
                format!("build with `cargo build --release --features {feature}`"),
            ),
            None => refusal(
                asked,
                format!("known devices: {}", DEVICES.map(|d| d.0).join(", ")),
            ),
        }),
    }
}

/// Opens an adapter, once in a process.
#[cfg(any(feature = "gpu", feature = "gpu-vulkan"))]
fn graphics(
    asked: &str,
    which: Which,
    api: Option<burn::tensor::wgpu::WgpuBackend>,
) -> Result<Device, ModelError> {
    use std::sync::{Mutex, PoisonError};
    type Opened = Vec<((Option<usize>, bool), Device)>;
    // A runtime can be set up once; later callers share the device.
    static OPENED: Mutex<Opened> = Mutex::new(Vec::new());
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    let adapters = adapters::all();
    let index = match which {
        Which::Index(index) => Some(index),
        Which::Pci(address) => adapters.iter().position(|a| pci(&a.pci) == Some(address)),
    };
    let key = (index, api.is_some());
    if let Some((_, device)) = opened.iter().find(|(other, _)| *other == key) {
        return Ok(device.clone());
    }
    let Some(adapter) = index.and_then(|index| adapters.get(index)) else {
        return Err(refusal(
            asked,
            match adapters.len() {
                0 => "no graphics driver answers; install the card's Vulkan driver, or software \
                      Vulkan to try (Debian: mesa-vulkan-drivers)"
                    .to_owned(),
                1 => "adapter 0 is the only one: see `modalign doctor`".to_owned(),
                count => format!(
                    "adapters 0 to {} are there: see `modalign doctor`",
                    count - 1
                ),
            },
        ));
    };
    if cfg!(feature = "gpu-vulkan") && adapter.software() {
        return Err(refusal(
            asked,
            format!(
                "{} is software Vulkan, which crashes on SPIR-V; a build with --features gpu alone runs on it",
                adapter.name
            ),
        ));
    }
    let mut options = Device::wgpu_options().device_kind(adapter.kind.clone());
    if let Some(api) = api {
        options = options.graphics_api(api);
    }
    let device = fault::guarded(asked, || options.init())?
        .map_err(|error| refusal(asked, format!("{} does not open: {error}", adapter.name)))?;
    opened.push((key, device.clone()));
    Ok(device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_not_there_is_refused_with_what_is() {
        let said = |asked: &str| open(asked).unwrap_err().to_string();
        assert!(open("flex").is_ok());
        assert!(said("flex:1").contains("no index"));
        assert!(said("flex:0000:65:00.0").contains("no index"));
        let short = Which::parse("0000:65:00.0");
        assert_eq!(short, Some(Which::Pci([0, 0x65, 0, 0])));
        assert_eq!(Which::parse("00000000:65:00.0"), short);
        assert_eq!(Which::parse("3"), Some(Which::Index(3)));
        for wrong in ["65:00.0", "0000:65:00", "0000:+5:00.0", "0000::00.0", ""] {
            assert_eq!(Which::parse(wrong), None, "{wrong}");
        }
        for asked in ["tpu", "tpu:0", "wgpu:-1", "wgpu:x", ""] {
            assert!(said(asked).contains("known devices: flex"), "{asked}");
        }
        for (name, built, feature) in DEVICES {
            if !built {
                assert!(
                    said(&format!("{name}:0")).contains(&format!("--features {feature}"))
                        || name == "ndarray"
                );
            }
        }
        #[cfg(feature = "gpu")]
        assert!(said("wgpu:99").contains("adapter"), "{}", said("wgpu:99"));
    }
}
