//! Names of devices on the command line, and what this build can run on.

use super::ModelError;
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

/// Refuses a float type that the device cannot compute in.
pub fn supports(name: &str, device: &Device, dtype: DType) -> Result<(), ModelError> {
    if dtype == DType::F32 || device.supports_dtype(dtype) {
        return Ok(());
    }
    Err(ModelError::Device {
        asked: format!("{name} in {dtype:?}"),
        compiled: compiled(),
        hint: "it does not compute in that float type; --precision f32 works everywhere".into(),
    })
}

/// Opens the device called `name`.
pub fn open(name: &str) -> Result<Device, ModelError> {
    let refuse = |hint: String| {
        Err(ModelError::Device {
            asked: name.into(),
            compiled: compiled(),
            hint,
        })
    };
    match name {
        "flex" => Ok(Device::flex()),
        #[cfg(feature = "ndarray")]
        #[allow(deprecated)]
        // upstream's removal is planned; it is our independent CPU reference
        "ndarray" => Ok(Device::ndarray()),
        #[cfg(feature = "gpu")]
        "wgpu" => Ok(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)),
        #[cfg(feature = "gpu-vulkan")]
        "vulkan" => Ok(Device::vulkan(burn::tensor::DeviceKind::DefaultDevice)),
        #[cfg(feature = "cuda")]
        "cuda" => Ok(Device::cuda(0usize)),
        _ => match DEVICES.iter().find(|d| d.0 == name) {
            Some((_, _, feature)) => refuse(format!(
                "build with `cargo build --release --features {feature}`"
            )),
            None => refuse(format!(
                "known devices: {}",
                DEVICES.map(|d| d.0).join(", ")
            )),
        },
    }
}
