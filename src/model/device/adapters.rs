//! The graphics adapters that wgpu reaches: what `modalign doctor` lists and what `--device wgpu:INDEX`
//! counts. Real cards come before software ones, so that a bare `wgpu` is the best there is and index 0
//! of the list.

use burn::tensor::DeviceKind;
use burn::tensor::wgpu::wgpu;
use std::fmt;

/// One adapter.
#[derive(Debug, Clone, PartialEq)]
pub struct Adapter {
    /// Its own name.
    pub name: String,
    /// What it is: `discrete`, `integrated`, `virtual`, `other` or `software`.
    pub class: &'static str,
    /// The graphics API and the driver.
    pub driver: String,
    /// Its address on the PCI bus (`0000:65:00.0`); empty where the API does not tell.
    pub pci: String,
    /// Bytes of memory on the card (of the machine, for software), where the API tells.
    pub memory: Option<u64>,
    /// Largest buffer in bytes: no tensor is larger.
    pub largest_buffer: u64,
    /// How burn calls it.
    pub(super) kind: DeviceKind,
}

impl Adapter {
    /// Whether the processor plays the card.
    pub fn software(&self) -> bool {
        self.class == "software"
    }
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gigabytes = |bytes: u64| bytes as f64 / 1e9;
        write!(
            f,
            "{} ({}, {}",
            self.name,
            self.class,
            self.driver.trim_end()
        )?;
        if !self.pci.is_empty() {
            write!(f, ", PCI {}", self.pci)?;
        }
        if let Some(memory) = self.memory {
            write!(f, ", {:.1} GB", gigabytes(memory))?;
        }
        write!(
            f,
            ", tensors up to {:.1} GB)",
            gigabytes(self.largest_buffer)
        )
    }
}

/// All adapters, best first; none where there is no driver.
pub fn all() -> Vec<Adapter> {
    // One API, as burn's runtime settles on one: the first with a card, or else with anything.
    let apis = [
        wgpu::Backends::VULKAN,
        wgpu::Backends::METAL,
        wgpu::Backends::DX12,
    ];
    let mut found: Vec<Adapter> = Vec::new();
    for api in apis {
        let here = of(api);
        let card = here.iter().any(|adapter| !adapter.software());
        if card || found.is_empty() {
            found = here;
        }
        if card {
            break;
        }
    }
    let order = |a: &Adapter| CLASSES.iter().position(|(_, class)| *class == a.class);
    found.sort_by_key(order);
    found
}

const CLASSES: [(wgpu::DeviceType, &str); 5] = [
    (wgpu::DeviceType::DiscreteGpu, "discrete"),
    (wgpu::DeviceType::IntegratedGpu, "integrated"),
    (wgpu::DeviceType::VirtualGpu, "virtual"),
    (wgpu::DeviceType::Other, "other"),
    (wgpu::DeviceType::Cpu, "software"),
];

fn of(api: wgpu::Backends) -> Vec<Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: api,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let adapters = burn::tensor::read_sync(instance.enumerate_adapters(api));
    // burn counts every class by itself, and knows one software adapter.
    let mut counts = [0usize; CLASSES.len()];
    let describe = |adapter: &wgpu::Adapter| {
        let info = adapter.get_info();
        let place = CLASSES
            .iter()
            .position(|(kind, _)| *kind == info.device_type)?;
        let index = counts[place];
        counts[place] += 1;
        let kind = match info.device_type {
            wgpu::DeviceType::DiscreteGpu => DeviceKind::DiscreteGpu(index),
            wgpu::DeviceType::IntegratedGpu => DeviceKind::IntegratedGpu(index),
            wgpu::DeviceType::VirtualGpu => DeviceKind::VirtualGpu(index),
            wgpu::DeviceType::Cpu if index == 0 => DeviceKind::Cpu,
            _ => return None,
        };
        Some(Adapter {
            name: info.name,
            class: CLASSES[place].1,
            driver: format!("{}, {} {}", info.backend, info.driver, info.driver_info),
            pci: info.device_pci_bus_id,
            memory: memory(adapter),
            largest_buffer: adapter.limits().max_buffer_size,
            kind,
        })
    };
    adapters.iter().filter_map(describe).collect()
}

/// Bytes of the largest heap on the card itself; wgpu has no word for it, Vulkan does.
#[cfg(not(target_vendor = "apple"))]
fn memory(adapter: &wgpu::Adapter) -> Option<u64> {
    const DEVICE_LOCAL: u32 = 1;
    // SAFETY: the handles are borrowed from a living adapter and only asked for properties.
    let heaps = unsafe {
        let vulkan = adapter.as_hal::<wgpu::hal::api::Vulkan>()?;
        let instance = vulkan.shared_instance().raw_instance();
        instance.get_physical_device_memory_properties(vulkan.raw_physical_device())
    };
    let heaps = heaps
        .memory_heaps
        .iter()
        .take(heaps.memory_heap_count as usize);
    let local = heaps.filter(|heap| heap.flags.as_raw() & DEVICE_LOCAL != 0);
    local.map(|heap| heap.size).max()
}

#[cfg(target_vendor = "apple")]
fn memory(_: &wgpu::Adapter) -> Option<u64> {
    None
}
