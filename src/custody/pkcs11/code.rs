//! The return values of PKCS#11 and their names.
#![forbid(unsafe_code)]

use super::module::Number;

/// A value other than CKR_OK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rv(pub(super) Number);

pub(super) const OK: Number = 0;
pub(super) const ATTRIBUTE_TYPE_INVALID: Number = 0x12;
pub(super) const CRYPTOKI_ALREADY_INITIALIZED: Number = 0x191;
const USER_ALREADY_LOGGED_IN: Number = 0x100;

impl Rv {
    /// Whether the session, the login or the token is not there any more: worth to connect anew, once.
    pub(super) fn is_gone(self) -> bool {
        // CKR_DEVICE_ERROR, _DEVICE_REMOVED, _KEY_HANDLE_INVALID, _OBJECT_HANDLE_INVALID, _SESSION_CLOSED,
        // _SESSION_HANDLE_INVALID, _TOKEN_NOT_PRESENT, _TOKEN_NOT_RECOGNIZED, _USER_NOT_LOGGED_IN,
        // _CRYPTOKI_NOT_INITIALIZED, _SLOT_ID_INVALID
        const GONE: [Number; 11] = [0x30, 0x32, 0x60, 0x82, 0xb0, 0xb3, 0xe0, 0xe1, 0x101, 0x190, 0x03];
        GONE.contains(&self.0)
    }

    /// Whether the sessions of the token are gone, and their numbers with them.
    pub(super) fn ended_sessions(self) -> bool {
        // CKR_DEVICE_REMOVED, _SESSION_CLOSED, _SESSION_HANDLE_INVALID, _TOKEN_NOT_PRESENT, _CRYPTOKI_NOT_INITIALIZED
        [0x32, 0xb0, 0xb3, 0xe0, 0x190].contains(&self.0)
    }

    /// Whether the PIN was refused. Another try may lock the token.
    pub(super) fn refuses_pin(self) -> bool {
        (0xa0..=0xa4).contains(&self.0)
    }

    pub(super) fn is_logged_in_already(self) -> bool {
        self.0 == USER_ALREADY_LOGGED_IN
    }
}

/// What became of a call, for people.
pub(super) fn text(what: &str, rv: Rv) -> String {
    match NAMES.iter().find(|(number, _)| *number == rv.0) {
        Some((_, name)) => format!("{what} answered CKR_{name}"),
        None => format!("{what} answered CKR 0x{:x}", rv.0),
    }
}

/// Section 5.1 and the header of the standard.
const NAMES: &[(Number, &str)] = &[
    (0x00, "OK"),
    (0x01, "CANCEL"),
    (0x02, "HOST_MEMORY"),
    (0x03, "SLOT_ID_INVALID"),
    (0x05, "GENERAL_ERROR"),
    (0x06, "FUNCTION_FAILED"),
    (0x07, "ARGUMENTS_BAD"),
    (0x0a, "CANT_LOCK"),
    (0x11, "ATTRIBUTE_SENSITIVE"),
    (0x12, "ATTRIBUTE_TYPE_INVALID"),
    (0x13, "ATTRIBUTE_VALUE_INVALID"),
    (0x20, "DATA_INVALID"),
    (0x21, "DATA_LEN_RANGE"),
    (0x30, "DEVICE_ERROR"),
    (0x31, "DEVICE_MEMORY"),
    (0x32, "DEVICE_REMOVED"),
    (0x50, "FUNCTION_CANCELED"),
    (0x54, "FUNCTION_NOT_SUPPORTED"),
    (0x60, "KEY_HANDLE_INVALID"),
    (0x62, "KEY_SIZE_RANGE"),
    (0x63, "KEY_TYPE_INCONSISTENT"),
    (0x68, "KEY_FUNCTION_NOT_PERMITTED"),
    (0x70, "MECHANISM_INVALID"),
    (0x71, "MECHANISM_PARAM_INVALID"),
    (0x82, "OBJECT_HANDLE_INVALID"),
    (0x90, "OPERATION_ACTIVE"),
    (0x91, "OPERATION_NOT_INITIALIZED"),
    (0xa0, "PIN_INCORRECT"),
    (0xa1, "PIN_INVALID"),
    (0xa2, "PIN_LEN_RANGE"),
    (0xa3, "PIN_EXPIRED"),
    (0xa4, "PIN_LOCKED"),
    (0xb0, "SESSION_CLOSED"),
    (0xb1, "SESSION_COUNT"),
    (0xb3, "SESSION_HANDLE_INVALID"),
    (0xd0, "TEMPLATE_INCOMPLETE"),
    (0xd1, "TEMPLATE_INCONSISTENT"),
    (0xe0, "TOKEN_NOT_PRESENT"),
    (0xe1, "TOKEN_NOT_RECOGNIZED"),
    (0x100, "USER_ALREADY_LOGGED_IN"),
    (0x101, "USER_NOT_LOGGED_IN"),
    (0x102, "USER_PIN_NOT_INITIALIZED"),
    (0x103, "USER_TYPE_INVALID"),
    (0x104, "USER_ANOTHER_ALREADY_LOGGED_IN"),
    (0x105, "USER_TOO_MANY_TYPES"),
    (0x150, "BUFFER_TOO_SMALL"),
    (0x190, "CRYPTOKI_NOT_INITIALIZED"),
    (0x191, "CRYPTOKI_ALREADY_INITIALIZED"),
    (0x200, "FUNCTION_REJECTED"),
];
