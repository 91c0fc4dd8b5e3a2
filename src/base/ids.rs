//! Small typed indices into the tables of a [`Plan`](crate::scenario::plan::Plan).
//!
//! Separate types keep a node from being used as a host.

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident($int:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name($int);

        impl $name {
            /// The id of the entry at `index` of its table.
            ///
            /// # Panics
            /// If the table is larger than the id can count; the limits on a scenario prevent this.
            #[inline]
            pub fn new(index: usize) -> $name {
                $name(<$int>::try_from(index).expect("tables are smaller than their ids"))
            }

            /// The entry's index in its table.
            #[inline]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids! {
    /// A node: everything a request can be inside of, database members included.
    NodeId(u32);
    /// A host, named in the scenario or implied by a node without one.
    HostId(u32);
    /// A zone: hosts that fail together.
    ZoneId(u32);
    /// A class of requests.
    ClassId(u16);
    /// A source of load.
    SourceId(u16);
    /// A database as a whole, as distinct from its members.
    DatabaseId(u16);
    /// A virtual IP: the address that its members share.
    VipId(u16);
    /// A link between two hosts or zones.
    LinkId(u16);
}
