//! What a Parquet file promises, checked before anything is decoded: polars allocates what page
//! headers promise, and a flipped bit there would end the process.

use std::path::Path;

use polars::prelude::{FileMetadata, PlSmallStr, PolarsResult};
use polars_parquet::parquet::metadata::{ColumnChunkMetadata, SchemaDescriptor};
use polars_parquet::parquet::schema::types::{
    IntegerType, ParquetType, PhysicalType, PrimitiveConvertedType, PrimitiveLogicalType,
    PrimitiveType,
};
use polars_parquet_format::PageHeader;
use polars_parquet_format::thrift::protocol::TCompactInputProtocol;

use crate::feature::FeatureError;
use crate::feature::file::MAX_MEMBER;

/// Bytes that a page's header may take.
const HEADER: usize = 1 << 20;

/// The footer with the columns `wanted` alone, and those in the types that the format has itself:
/// a writer's own schema (categories, lists of fixed size) and integers of 8 and 16 bits are
/// read as the strings, lists and wider integers that they are kept as.
pub(super) fn plain(footer: &FileMetadata, wanted: &[PlSmallStr]) -> PolarsResult<FileMetadata> {
    fn widen(kind: ParquetType) -> ParquetType {
        match kind {
            ParquetType::PrimitiveType(mut leaf) => {
                if matches!(
                    leaf.physical_type,
                    PhysicalType::Int32 | PhysicalType::Int64
                ) && is_integer(&leaf)
                {
                    (leaf.logical_type, leaf.converted_type) = (None, None);
                }
                ParquetType::PrimitiveType(leaf)
            }
            ParquetType::GroupType {
                field_info,
                logical_type,
                converted_type,
                fields,
            } => ParquetType::GroupType {
                field_info,
                logical_type,
                converted_type,
                fields: fields.into_iter().map(widen).collect(),
            },
        }
    }
    let mut footer = footer.pruned(wanted, &[])?;
    let fields = footer.schema_descr.fields().iter().cloned().map(widen);
    footer.schema_descr =
        SchemaDescriptor::new(footer.schema_descr.name().into(), fields.collect());
    Ok(footer)
}

/// Whether the leaf says that it is an integer of 8 or 16 bits.
fn is_integer(leaf: &PrimitiveType) -> bool {
    use {IntegerType as I, PrimitiveConvertedType as C, PrimitiveLogicalType as L};
    matches!(
        leaf.logical_type,
        Some(L::Integer(I::Int8 | I::Int16 | I::UInt8 | I::UInt16))
    ) || matches!(
        leaf.converted_type,
        Some(C::Int8 | C::Int16 | C::Uint8 | C::Uint16)
    )
}

/// Refuses promises that the file cannot keep, before anything is allocated for them.
pub(super) fn check(path: &Path, footer: &FileMetadata, bytes: &[u8]) -> Result<(), FeatureError> {
    let wrong = |what: &str, expected: String, found: String| {
        Err(FeatureError::malformed(path, what, expected, found))
    };
    let (mut rows, mut values) = (0usize, 0usize);
    for group in &footer.row_groups {
        rows = rows.saturating_add(group.num_rows());
        for column in group.parquet_columns() {
            let range = column.byte_range();
            let part = usize::try_from(range.start)
                .ok()
                .zip(usize::try_from(range.end).ok());
            let Some(part) = part.and_then(|(start, end)| bytes.get(start..end)) else {
                let expected = format!("within its {} bytes", bytes.len());
                let found = format!("bytes {} to {}", range.start, range.end);
                return wrong("parquet column chunk", expected, found);
            };
            let own = usize::try_from(column.num_values()).unwrap_or(usize::MAX);
            values = values.saturating_add(own.max(group.num_rows()));
            if values as u64 > MAX_MEMBER / 4 {
                let expected = format!("≤ {} values", MAX_MEMBER / 4);
                return wrong("parquet", expected, values.to_string());
            }
            if column.descriptor().path_in_schema.len() == 1 && own != group.num_rows() {
                let expected = format!("{} rows", group.num_rows());
                return wrong("parquet column chunk", expected, own.to_string());
            }
            if let Err(found) = pages(column, part, own) {
                return wrong("parquet page", "what its column promises".into(), found);
            }
        }
    }
    if rows != footer.num_rows {
        return wrong(
            "parquet rows",
            footer.num_rows.to_string(),
            rows.to_string(),
        );
    }
    Ok(())
}

/// Walks the headers of a column's pages: sizes lie within the column, values add up to its own.
fn pages(column: &ColumnChunkMetadata, mut bytes: &[u8], values: usize) -> Result<(), String> {
    let count = |n: i32| usize::try_from(n).map_err(|_| format!("a size of {n}"));
    let (mut seen, mut inflated) = (0, 0);
    while seen < values {
        let mut input = TCompactInputProtocol::new(&mut bytes, HEADER);
        let page = PageHeader::read_from_in_protocol(&mut input)
            .map_err(|_| "an unreadable header".to_owned())?;
        let size = count(page.compressed_page_size)?;
        let inner = count(page.uncompressed_page_size)?;
        inflated += inner;
        bytes = bytes.get(size..).ok_or(format!("a page of {size} bytes"))?;
        let mut own = 0;
        if let Some(header) = &page.dictionary_page_header {
            // An entry of a dictionary takes a byte at least.
            let entries = count(header.num_values)?;
            (entries <= inner)
                .then_some(())
                .ok_or(format!("{entries} entries"))?;
        }
        if let Some(header) = &page.data_page_header {
            own = count(header.num_values)?;
        }
        if let Some(header) = &page.data_page_header_v2 {
            own = count(header.num_values)?;
            let levels = count(header.definition_levels_byte_length)?
                + count(header.repetition_levels_byte_length)?;
            let (rows, nulls) = (count(header.num_rows)?, count(header.num_nulls)?);
            let fits = levels <= size && levels <= inner && rows <= own && nulls <= own;
            fits.then_some(())
                .ok_or("a part larger than its page".to_owned())?;
        }
        seen += own;
    }
    let most = MAX_MEMBER.min(column.uncompressed_size().max(0) as u64);
    match (seen == values, inflated as u64 <= most) {
        (false, _) => Err(format!("{seen} of {values} values")),
        (_, false) => Err(format!("{inflated} of {most} bytes")),
        _ => Ok(()),
    }
}
