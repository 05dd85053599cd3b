//! Storages as persistent identifiers of a pickle name them: PyTorch's flat buffers that tensors are views of.

use super::Dtype;
use crate::files::pickle::Value;

/// A storage, as its persistent identifier names it.
pub(super) struct Storage {
    pub key: String,
    /// Type of its elements; `None` for bytes without a type, or of one that is not read.
    pub dtype: Option<Dtype>,
    /// Bytes of an element.
    pub width: usize,
    /// Elements before the first (views of storages, in streams before PyTorch 1.6).
    pub offset: u64,
}

/// Bytes of an element.
pub(super) fn width(dtype: Dtype) -> usize {
    dtype.bitsize() / 8
}

/// The storage that a persistent identifier stands for.
pub(super) fn storage(id: Value) -> Option<Storage> {
    let items = id.items().ok()?;
    let (kind, class, key) = (items.first()?, items.get(1)?, items.get(2)?);
    if kind.text().ok()? != "storage" {
        return None;
    }
    let class = class.global()?;
    let name = class.rsplit('.').next()?.strip_suffix("Storage")?;
    let (dtype, width) = match (type_of(name), name) {
        (Some(dtype), _) => (Some(dtype), width(dtype)),
        (None, "Untyped" | "QInt8" | "QUInt8" | "QUInt4x2" | "QUInt2x4") => (None, 1),
        (None, "QInt32" | "ComplexHalf") => (None, 4),
        (None, "ComplexDouble") => (None, 16),
        _ => return None,
    };
    // (key of the storage it is a view of, offset, size)
    let view = items.get(5).and_then(|view| view.items().ok());
    if let Some([root, offset, _]) = view.as_deref() {
        return Some(Storage {
            key: root.text().ok()?,
            dtype,
            width,
            offset: u64::try_from(offset.integer().ok()?).ok()?,
        });
    }
    Some(Storage {
        key: key.text().ok()?,
        dtype,
        width,
        offset: 0,
    })
}

/// The type of that name: of a storage's class (`Float`) or of `torch` itself (`float32`).
pub(super) fn type_of(name: &str) -> Option<Dtype> {
    Some(match name {
        "Double" | "float64" | "double" => Dtype::F64,
        "Float" | "float32" | "float" => Dtype::F32,
        "Half" | "float16" | "half" => Dtype::F16,
        "BFloat16" | "bfloat16" => Dtype::BF16,
        "Long" | "int64" | "long" => Dtype::I64,
        "Int" | "int32" | "int" => Dtype::I32,
        "Short" | "int16" | "short" => Dtype::I16,
        "Char" | "int8" => Dtype::I8,
        "Byte" | "uint8" => Dtype::U8,
        "Bool" | "bool" => Dtype::BOOL,
        "uint16" => Dtype::U16,
        "uint32" => Dtype::U32,
        "uint64" => Dtype::U64,
        "ComplexFloat" | "complex64" => Dtype::C64,
        "float8_e4m3fn" => Dtype::F8_E4M3,
        "float8_e5m2" => Dtype::F8_E5M2,
        _ => return None,
    })
}
