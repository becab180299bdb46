//! Structs that the caller fills: checked by their `struct_size` before a field is read.

use super::pointer::missing;
use crate::error::{Error, Kind, Result};

/// A struct that begins with `size_t struct_size` and whose all-zero value means defaults.
///
/// # Safety
/// Implementors are `repr(C)`, begin with `struct_size`, and are valid for every bit pattern.
pub(super) unsafe trait CallerStruct: Copy {
    /// Its name in C.
    const NAME: &'static str;
}

/// The struct that C passed; `None` for NULL.
pub(super) fn read<T: CallerStruct>(pointer: *const T) -> Result<Option<T>> {
    if pointer.is_null() {
        return Ok(None);
    }
    check_size::<T>(pointer)?;
    // SAFETY: header rule 6: the caller's struct is as large as it says, which is the size of T.
    Ok(Some(unsafe { pointer.read() }))
}

/// The struct that C passed, which must be there.
pub(super) fn required<T: CallerStruct>(pointer: *const T, name: &str) -> Result<T> {
    read(pointer)?.ok_or_else(|| missing(name))
}

/// What the struct that C passed says; the default for NULL.
pub(super) fn read_or_default<T, U>(pointer: *const T, convert: impl FnOnce(&T) -> Result<U>) -> Result<U>
where
    T: CallerStruct,
    U: Default,
{
    read(pointer)?.map_or_else(|| Ok(U::default()), |raw| convert(&raw))
}

/// Checks the size of a struct that C passed, NULL excepted.
pub(super) fn check_size<T: CallerStruct>(pointer: *const T) -> Result<()> {
    if pointer.is_null() {
        return Ok(());
    }
    // SAFETY: header rule 6: what is not NULL begins with `size_t struct_size`.
    let size = unsafe { pointer.cast::<usize>().read() };
    let known = size_of::<T>();
    if size == known {
        return Ok(());
    }
    let name = T::NAME;
    Err(if size > known {
        Error::new(
            Kind::Unsupported,
            format!(
                "{name}.struct_size is {size}, this library knows {known} bytes: it is older than the header, or the size is wrong"
            ),
        )
    } else {
        Error::invalid(format!(
            "{name}.struct_size is {size}, not {known}: begin with the macro that ends in _INIT"
        ))
    })
}

/// What fills a struct up to its alignment today is a field tomorrow: it must be zero.
pub(super) fn unused(reserved: u32, name: &str) -> Result<()> {
    if reserved == 0 {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "{name}.reserved is {reserved}; it must be 0: begin with the macro that ends in _INIT"
    )))
}

/// A flag that C passes as an int32: 0 or 1.
pub(super) fn flag(value: i32, name: &str) -> Result<bool> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(Error::invalid(format!("{name} is {other}; it must be 0 or 1"))),
    }
}

/// A number for which 0 stands for none: any revision, no limit, the default.
pub(super) fn unless_zero(number: u64) -> Option<u64> {
    (number != 0).then_some(number)
}
