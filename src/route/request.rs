//! What is known of a request when it is routed: borrowed bytes, nothing is copied.
#![forbid(unsafe_code)]

use super::bucket::{BucketHasher, length_prefix};

/// A request header (or gRPC metadata entry). Names are compared without regard to ASCII case, values byte
/// by byte. Of a header that stands several times in a request the first counts.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// The name, such as `x-env`.
    pub name: &'a [u8],
    /// The value, without the white space around it.
    pub value: &'a [u8],
}

/// A request to be routed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// What identifies the user, where the host knows it. Not looked at when the policy names headers in
    /// `hash.by`. Empty is the same as absent.
    pub user_key: Option<&'a [u8]>,
    /// The headers in the order of the request.
    pub headers: &'a [Header<'a>],
}

impl<'a> Request<'a> {
    /// The value of the first header called `name`, which is in lower case.
    pub(super) fn header(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
    }
}

/// How many headers may make up a user key.
pub(super) const MAX_KEY_HEADERS: usize = 8;

/// Where user keys come from and how they are hashed.
#[derive(Clone, Debug)]
pub(super) struct KeySource {
    /// The headers that make up the key, in lower case; none: the request's own user key.
    pub(super) by: Vec<String>,
    pub(super) hasher: BucketHasher,
}

/// A user key: one value, or the values of several headers.
pub(super) enum UserKey<'a> {
    One(&'a [u8]),
    Joined { values: [&'a [u8]; MAX_KEY_HEADERS], len: usize },
}

impl KeySource {
    /// The user key of `request`; none if a value it needs is absent or empty. Empty counts as absent
    /// because everyone who is not logged in would share one bucket otherwise.
    #[inline]
    pub(super) fn key_of<'a>(&self, request: &Request<'a>) -> Option<UserKey<'a>> {
        let value = |name: &String| request.header(name.as_bytes()).filter(|value| !value.is_empty());
        match self.by.as_slice() {
            [] => request.user_key.filter(|key| !key.is_empty()).map(UserKey::One),
            [name] => value(name).map(UserKey::One),
            names => {
                let mut values = [&[][..]; MAX_KEY_HEADERS];
                for (slot, name) in values.iter_mut().zip(names) {
                    *slot = value(name)?;
                }
                Some(UserKey::Joined { values, len: names.len() })
            }
        }
    }

    /// The hash from which the bucket is taken.
    #[inline]
    pub(super) fn hash(&self, key: &UserKey<'_>) -> u64 {
        match key {
            UserKey::One(value) => self.hasher.hash(value),
            UserKey::Joined { values, len } => {
                self.hasher.hash_joined(values.get(..*len).unwrap_or_default())
            }
        }
    }
}

impl UserKey<'_> {
    /// Whether `bytes` is this key: the value itself, or the values joined by [`join`].
    pub(super) fn is(&self, bytes: &[u8]) -> bool {
        match self {
            Self::One(value) => *value == bytes,
            Self::Joined { values, len } => {
                let rest = values.iter().take(*len).try_fold(bytes, |rest, value| {
                    rest.strip_prefix(&length_prefix(value))?.strip_prefix(*value)
                });
                rest.is_some_and(<[u8]>::is_empty)
            }
        }
    }
}

/// `values` as `le32(len) || value` each.
pub(super) fn join<'a>(values: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut joined = Vec::new();
    for value in values {
        joined.extend_from_slice(&length_prefix(value.as_bytes()));
        joined.extend_from_slice(value.as_bytes());
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(by: &[&str]) -> KeySource {
        let by = by.iter().map(ToString::to_string).collect();
        KeySource { by, hasher: BucketHasher::new("s", "route") }
    }

    fn hash(source: &KeySource, request: &Request<'_>) -> Option<u64> {
        source.key_of(request).map(|key| source.hash(&key))
    }

    #[test]
    fn the_first_header_of_a_name_counts_in_any_case() {
        let headers =
            [Header { name: b"X-Env", value: b"first" }, Header { name: b"x-env", value: b"second" }];
        let request = Request { headers: &headers, ..Request::default() };
        assert_eq!(request.header(b"x-env"), Some(&b"first"[..]));
        assert_eq!(request.header(b"x-en"), None);
    }

    #[test]
    fn a_single_header_is_hashed_plainly_and_several_are_joined() {
        let headers =
            [Header { name: b"X-User", value: b"u1" }, Header { name: b"X-Tenant", value: b"acme" }];
        let request = Request { user_key: Some(b"ignored"), headers: &headers };
        let one = source(&["x-user"]);
        assert_eq!(hash(&one, &request), Some(one.hasher.hash(b"u1")));
        let two = source(&["x-tenant", "x-user"]);
        assert_eq!(hash(&two, &request), Some(two.hasher.hash(&join(["acme", "u1"]))));
        assert_eq!(hash(&source(&["x-tenant", "x-other"]), &request), None);
        let none = source(&[]);
        assert_eq!(hash(&none, &request), Some(none.hasher.hash(b"ignored")));
    }

    #[test]
    fn an_empty_key_is_no_key() {
        let headers = [Header { name: b"x-user", value: b"" }, Header { name: b"x-user", value: b"u1" }];
        let request = Request { user_key: Some(b""), headers: &headers };
        assert_eq!(hash(&source(&[]), &request), None);
        assert_eq!(hash(&source(&["x-user"]), &request), None, "the first one counts, and it is empty");
    }

    #[test]
    fn a_joined_key_is_recognized_only_whole() {
        let key = UserKey::Joined { values: [b"ab", b"c", b"", b"", b"", b"", b"", b""], len: 2 };
        assert!(key.is(&join(["ab", "c"])));
        assert!(!key.is(&join(["a", "bc"])));
        assert!(!key.is(&join(["ab", "c", ""])));
        assert!(!key.is(&join(["ab"])));
        assert!(!key.is(b"abc"));
    }
}
