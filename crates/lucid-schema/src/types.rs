//! The rows of the type table: what a field may hold.

/// An object type of the API: `io.k8s.api.core.v1.Container`.
#[derive(Debug)]
pub struct Definition {
    pub name: &'static str,
    /// The whole object is one leaf for ownership and merging (`x-kubernetes-map-type: atomic`).
    pub atomic: bool,
    /// Sorted by name.
    pub fields: &'static [Field],
}

impl Definition {
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.binary_search_by(|field| field.name.cmp(name)).ok().map(|at| &self.fields[at])
    }
}

/// A field of a [`Definition`].
#[derive(Debug)]
pub struct Field {
    pub name: &'static str,
    pub ty: Type,
    pub required: bool,
    /// JSON text of the default that the OpenAPI document states. `{}` marks a struct that is never absent.
    pub default: Option<&'static str>,
    /// The merge key of strategic merge patches; it may differ from the keys of [`ListKind::Map`].
    pub merge_key: Option<&'static str>,
    /// `x-kubernetes-patch-strategy`: empty, `merge`, `replace`, `retainKeys` or `merge,retainKeys`.
    pub strategy: &'static str,
    /// Its place in the Go struct, which is the order in which the server writes and decodes.
    pub at: u16,
    /// The Go type, as error messages name it: `*int32`, `[]v1.Container`.
    pub go: &'static str,
    pub presence: Presence,
    /// Its number in protobuf, behind those of the messages around it that JSON does not show.
    pub proto: &'static [u16],
}

/// When the server writes a field that nobody set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// As zero, empty text or null.
    Always,
    /// Only a struct that is held by value.
    OmitEmpty,
    Never,
}

impl Field {
    /// The Go type is a pointer: unset and zero are two things.
    pub fn is_pointer(&self) -> bool {
        self.go.starts_with('*')
    }

    /// A struct that the server's Go type holds by value, so that it is there even when nobody set it.
    pub fn always_present(&self) -> bool {
        self.default == Some("{}") || self.required && matches!(self.ty, Type::List(..) | Type::Map(..))
    }
}

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    String,
    Int32,
    Int64,
    Number,
    Boolean,
    IntOrString,
    Quantity,
    Time,
    MicroTime,
    /// Base64 text.
    Bytes,
    /// Any JSON: no schema is known.
    Any,
    /// An index into the table of definitions.
    Ref(u16),
    /// A map with string keys; `true` when the whole map is one leaf.
    Map(&'static Type, bool),
    List(&'static Type, ListKind),
}

/// How a list is owned and merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    Atomic,
    Set,
    Map(&'static [&'static str]),
}
