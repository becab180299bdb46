//! Structs that the caller fills, or has filled: checked by their `struct_size` before a field is read or written.
//!
//! A struct grows at its end. A program that was built before that passes the smaller struct: what it does not have is
//! zero, which means default, and nothing is written behind its end.

use super::pointer::missing;
use crate::error::{Error, Kind, Result};
use std::mem::MaybeUninit;

/// A struct that begins with `size_t struct_size` and whose all-zero value means defaults.
///
/// # Safety
/// Implementors are `repr(C)`, begin with `struct_size`, and are valid for every bit pattern.
pub(super) unsafe trait CallerStruct: Copy {
    /// Its name in C.
    const NAME: &'static str;

    /// What it measured in older headers: of a struct that grew, `offset_of!(Self, first_new_field)`, for each time.
    const OLDER_SIZES: &'static [usize] = &[];
}

/// The struct that C passed; `None` for NULL.
pub(super) fn read<T: CallerStruct>(pointer: *const T) -> Result<Option<T>> {
    if pointer.is_null() {
        return Ok(None);
    }
    let size = checked_size(pointer)?;
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: header rule 6: the caller's struct is as large as it says, which is the size of T or smaller; the rest of
    // the value is zero, and T is valid for every bit pattern.
    Ok(Some(unsafe {
        pointer
            .cast::<u8>()
            .copy_to_nonoverlapping(value.as_mut_ptr().cast::<u8>(), size);
        value.assume_init()
    }))
}

/// The struct at a place of an array that C passed, all of one size; `None` if the array is NULL.
pub(super) fn read_nth<T: CallerStruct>(array: *const T, index: usize) -> Result<Option<T>> {
    if array.is_null() || index == 0 {
        return read(array);
    }
    // The first one's size is checked before the place of another is worked out from it.
    let size = checked_size(array)?;
    let one = array.cast::<u8>().wrapping_add(size.wrapping_mul(index)).cast::<T>();
    match checked_size(one)? {
        same if same == size => read(one),
        other => Err(Error::invalid(format!(
            "{}.struct_size is {other} here and {size} in the first of the array",
            T::NAME
        ))),
    }
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

/// Fills the struct that C passed, as far as it reaches; nothing if that is NULL. Its size, which `check_size` found
/// good before anything was done, stays.
pub(super) fn fill<T: CallerStruct>(out: *mut T, value: &T) {
    if out.is_null() {
        return;
    }
    let fields = size_of::<usize>();
    let bytes = checked_size(out).map_or(0, |size| size.saturating_sub(fields));
    // SAFETY: header rule 6: the caller's struct is as large as it says, which is the size of T or smaller, and may be
    // written; what lies behind struct_size is copied.
    unsafe {
        let source = std::ptr::from_ref(value).cast::<u8>().add(fields);
        source.copy_to_nonoverlapping(out.cast::<u8>().add(fields), bytes);
    }
}

/// Checks the size of a struct that C passed, NULL excepted.
pub(super) fn check_size<T: CallerStruct>(pointer: *const T) -> Result<()> {
    if pointer.is_null() {
        return Ok(());
    }
    checked_size(pointer).map(drop)
}

/// How many bytes the struct has that C passed, which is not NULL.
fn checked_size<T: CallerStruct>(pointer: *const T) -> Result<usize> {
    // SAFETY: header rule 6: what is not NULL begins with `size_t struct_size`.
    let size = unsafe { pointer.cast::<usize>().read() };
    let known = size_of::<T>();
    if size == known || T::OLDER_SIZES.contains(&size) {
        return Ok(size);
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::offset_of;

    /// A struct as an older header had it.
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Old {
        struct_size: usize,
        limit: u64,
    }

    /// The same struct after two releases that added to it.
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Grown {
        struct_size: usize,
        limit: u64,
        text: *const u8,
        flags: u32,
        reserved: u32,
    }

    // SAFETY: repr(C), begins with struct_size, integers and nullable pointers only.
    unsafe impl CallerStruct for Grown {
        const NAME: &'static str = "turnkeep_grown";
        const OLDER_SIZES: &'static [usize] = &[offset_of!(Grown, text), offset_of!(Grown, flags)];
    }

    fn old(limit: u64) -> Old {
        Old {
            struct_size: size_of::<Old>(),
            limit,
        }
    }

    #[test]
    fn a_struct_of_an_older_header_has_defaults_for_what_it_lacks() {
        let raw = old(7);
        let read = required((&raw const raw).cast::<Grown>(), "options").unwrap();
        assert_eq!((read.limit, read.flags, read.reserved), (7, 0, 0));
        assert!(read.text.is_null());
    }

    #[test]
    fn an_array_of_an_older_header_is_walked_in_steps_of_its_own_structs() {
        let array = [old(1), old(2), old(3)];
        let limits: Vec<u64> = (0..3)
            .map(|index| read_nth(array.as_ptr().cast::<Grown>(), index).unwrap().unwrap().limit)
            .collect();
        assert_eq!(limits, [1, 2, 3]);
    }

    #[test]
    fn an_array_with_structs_of_two_sizes_is_refused() {
        let mut array = [old(1), old(2), old(3)];
        array[1].struct_size = offset_of!(Grown, flags);
        let Err(failure) = read_nth(array.as_ptr().cast::<Grown>(), 1) else {
            panic!("an array of two sizes was read");
        };
        let said = failure.to_string();
        assert!(said.contains("24 here and 16 in the first"), "{said}");
    }

    #[test]
    fn nothing_is_written_behind_the_end_of_a_struct_of_an_older_header() {
        let mut memory = [old(1), old(2)];
        let value = Grown {
            struct_size: size_of::<Grown>(),
            limit: 99,
            text: std::ptr::dangling(),
            flags: u32::MAX,
            reserved: u32::MAX,
        };
        fill(memory.as_mut_ptr().cast::<Grown>(), &value);
        assert_eq!((memory[0].struct_size, memory[0].limit), (size_of::<Old>(), 99));
        assert_eq!((memory[1].struct_size, memory[1].limit), (size_of::<Old>(), 2));
    }

    #[test]
    fn a_size_that_no_header_had_is_refused() {
        for size in [0, 8, 17, 20, 23, 28, 31, 33, usize::MAX] {
            // As large as the largest, whatever it says.
            let raw = Grown {
                struct_size: size,
                limit: 0,
                text: std::ptr::null(),
                flags: 0,
                reserved: 0,
            };
            assert!(check_size(&raw const raw).is_err(), "{size}");
            assert!(read(&raw const raw).is_err(), "{size}");
        }
    }
}
