//! One loaded image, from `dlopen` to the proof that it is gone.

mod update;

use super::audit::{self, Companions, Residents};
use super::collisions::{self, Collisions, Scope};
use super::isolation::{self, Library as Admitted};
use super::load_name;
use super::needed::{self, Needed};
use super::pin::{PinKind, PinReason};
use super::place::{Isolation, Place};
use super::plugin::{self, ContainedCode, Descriptor, HostContext, Invocation, Plugin};
use super::remnant::Remnant;
use super::soname::Claim;
use crate::artifact::elf::hazards::{Hazard, HazardKind};
use crate::artifact::elf::{Elf, hazards, policy};
use crate::error::{Error, Result, Status};
use crate::sync::Mutex;
use crate::sys::fault::Containment;
use crate::sys::faults::fault;
use crate::sys::fork::PerProcess;
use crate::sys::maps;
use crate::trust::VerifiedImage;
use libloading::os::unix::{Library, Symbol};
use std::ffi::{CStr, CString, c_void};
use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::Range;

/// Running code that was verified. Dropping it leaves the image mapped: only [`unload`](Self::unload) unmaps, since
/// only there can it be proved that nobody is inside.
#[derive(Debug)]
pub struct Instance {
    /// What `dlopen` answered; open as long as the value lives.
    handle: *mut c_void,
    /// The path that it was loaded by, which no other object ever had.
    load_name: CString,
    place: Place,
    /// The addresses that are the image's own.
    extent: Range<usize>,
    plugin: Option<Plugin>,
    hazards: Vec<Hazard>,
    companions: Companions,
    /// Held, even by an image that stays mapped for ever: the name stays taken.
    claim: Option<Claim>,
}

// SAFETY: `handle` is a token for the dynamic linker, whose functions may be called from any thread.
unsafe impl Send for Instance {}
// SAFETY: as above.
unsafe impl Sync for Instance {}

impl Drop for Instance {
    fn drop(&mut self) {
        // The image stays mapped, so its SONAME stays taken.
        keep_for_ever(self.claim.take());
    }
}

/// The level of a warning in a [`HostContext`]'s log.
const WARNING: i32 = 2;

/// The claims of images that stay mapped for ever.
static STAYING: PerProcess<Mutex<Vec<Claim>>> = PerProcess::new();

/// The claim of an image that nobody will unmap.
pub(super) fn keep_for_ever(claim: Option<Claim>) {
    STAYING.get().lock().extend(claim);
}

/// What came of an unload that left the image mapped.
#[derive(Debug)]
pub struct Stays {
    /// Why.
    pub reason: PinReason,
    /// The image, where it was closed all the same: it may go later.
    pub remnant: Option<Remnant>,
}

impl From<PinReason> for Stays {
    fn from(reason: PinReason) -> Self {
        Self { reason, remnant: None }
    }
}

#[cfg(feature = "failpoints")]
impl crate::sys::faults::Injectable for Stays {
    fn injected(name: &str) -> Self {
        PinReason::new(PinKind::Stop, format!("injected at {name}")).into()
    }
}

impl fmt::Display for Stays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl Instance {
    /// Maps `image` and runs its constructors. Everything that can be refused from the bytes alone is refused before any
    /// code of the image runs. Warnings go to the log of `context`.
    ///
    /// Names that the host has taken too go by `collisions`, unless `isolation` keeps them apart.
    pub fn map(
        image: &VerifiedImage,
        context: &HostContext,
        isolation: Isolation,
        collisions: Collisions,
    ) -> Result<Self> {
        fault!("load.examine");
        let Examined { elf, claim, libraries, needed } = examine(image, isolation)?;
        let scope = match isolation {
            Isolation::Shared => {
                let scope = collisions::check_symbols(&elf, collisions, |text| (context.log)(WARNING, text))?;
                collisions::check_libraries(&elf)?;
                scope
            }
            Isolation::Own => Scope::OwnFirst,
        };
        let hazards = hazards::unload_hazards(&elf);
        check_go(&hazards, image)?;
        needed.open()?;
        let residents = Residents::now();
        let load_name = load_name::fresh(image.descriptor())?;
        fault!("load.open");
        let place = Place::take(isolation)?;
        let handle = match place.open(&load_name, scope) {
            Ok(handle) => handle,
            Err(refusal) => {
                place.give_back();
                return Err(refusal);
            }
        };
        // Constructors have run, and what cannot be looked at is not closed either: its SONAME stays taken.
        let found = extent_of(&place, &load_name, image).and_then(|extent| {
            let companions = match &place {
                Place::Shared => residents.arrivals(extent.start),
                Place::Own(namespace) => isolation::companions(namespace, extent.start, libraries)?,
            };
            Ok((extent, companions))
        });
        let (extent, companions) = match found {
            Ok(found) => found,
            Err(refusal) => {
                keep_for_ever(claim);
                let message = format!("{}; the image stays mapped", refusal.message());
                return Err(Error::new(refusal.status(), message));
            }
        };
        Ok(Self { handle, load_name, place, extent, plugin: None, hazards, companions, claim })
    }

    /// Has a level-1 plugin start and asks for its health. With a `containment`, a fault of the image's code in any
    /// function of the plugin, from this one on, ends that call: [`Status::PluginCrashed`].
    ///
    /// Code of the image has run whatever comes of it. What was refused goes by [`unload`](Self::unload); what crashed
    /// must not be used again, not even for that: what it was doing is left half done.
    pub fn start(&mut self, context: HostContext, containment: Option<Containment>) -> Result<()> {
        fault!("load.start");
        let Ok(address) = self.symbol(plugin::SYMBOL, None) else { return Ok(()) };
        let contained = containment.map(|containment| ContainedCode {
            containment,
            image: self.extent.clone(),
            // Without a segment of code no fault is the image's.
            code: self.place.code(&self.load_name).unwrap_or(0..0),
        });
        self.place.enter()?;
        // SAFETY: the image stays mapped as long as `self` lives, and the descriptor's head was checked in the file.
        let plugin = unsafe { Plugin::start(address, context, 0, contained) }?;
        self.plugin.insert(plugin).health()
    }

    /// Refuses what [`map`](Self::map) refuses of the image's bytes and of the libraries that it needs, and loads nothing.
    pub fn check_bytes(image: &VerifiedImage, isolation: Isolation) -> Result<()> {
        Self::needed(image, isolation).map(drop)
    }

    /// The same, and the libraries that are opened before the image.
    pub(super) fn needed(image: &VerifiedImage, isolation: Isolation) -> Result<Needed> {
        examine(image, isolation).map(|examined| examined.needed)
    }

    /// Whose names the image sees.
    pub fn isolation(&self) -> Isolation {
        self.place.isolation()
    }

    /// The address of the exported symbol `name`, of its symbol version `version` where one is given. It may be used
    /// while the caller holds a lease on the instance's version.
    pub fn symbol(&self, name: &str, version: Option<&str>) -> Result<*mut c_void> {
        let c_text = |text: &str| {
            CString::new(text).map_err(|_| Error::argument(format!("symbol {text:?}: contains a NUL byte")))
        };
        let c_name = c_text(name)?;
        self.place.enter()?;
        let address = match version {
            // SAFETY: only the address is taken; what it points at is the caller's to know.
            None => unsafe { self.library().get::<*mut c_void>(c_name.as_bytes_with_nul()) }
                .map_or(std::ptr::null_mut(), Symbol::as_raw_ptr),
            Some(version) => {
                let c_version = c_text(version)?;
                // SAFETY: the handle is open and both texts are NUL-terminated.
                unsafe { libc::dlvsym(self.handle, c_name.as_ptr(), c_version.as_ptr()) }
            }
        };
        // dlsym goes on to the libraries that the image needs: what it finds there is not the image's.
        if !self.extent.contains(&address.addr()) {
            let at = version.map_or(String::new(), |version| format!("@{version}"));
            return Err(Error::new(Status::NotFound, format!("symbol {name}{at}: the image exports none")));
        }
        Ok(address)
    }

    /// Serves one request through the level-1 descriptor.
    pub fn invoke(&self, invocation: &mut Invocation<'_>) -> Result<()> {
        let Some(plugin) = self.plugin.as_ref().filter(|plugin| plugin.can_invoke()) else {
            return Err(Error::new(
                Status::Unsupported,
                format!(
                    "the image exports no {} with an invoke: call its symbols through a lease",
                    plugin::SYMBOL
                ),
            ));
        };
        self.place.enter()?;
        invocation.code = plugin.invoke(invocation)?;
        if invocation.code == 0 {
            return Ok(());
        }
        Err(Error::new(
            Status::PluginFailed,
            format!("plugin {}: invoke answered {}", plugin.name(), invocation.code),
        ))
    }

    /// The level-1 descriptor and the plugin's `self`. [`Status::Unsupported`] without one, and for an isolated plugin,
    /// whose functions need a thread that was prepared for them.
    pub fn descriptor(&self) -> Result<(*const Descriptor, *mut c_void)> {
        let unsupported = |what: &str| Error::new(Status::Unsupported, what);
        if self.isolation() == Isolation::Own {
            return Err(unsupported(
                "isolated: the descriptor of such a plugin is not handed out: call it by sogov_call",
            ));
        }
        let plugin = self.plugin.as_ref();
        plugin
            .map(Plugin::raw)
            .ok_or_else(|| unsupported("expected a level-1 plugin, found one without a descriptor"))
    }

    /// Stops the plugin, unmaps the image and proves that it is gone. Nobody is inside: the caller owns the value.
    ///
    /// `dlclose` answers 0 whether it unmapped or not, so the link map is asked afterwards. An image that may have
    /// left something behind that runs later (a thread, a destructor, a handler) is not closed at all: it stays
    /// mapped, with the reason.
    pub fn unload(mut self) -> std::result::Result<(), Stays> {
        let vouched = self.plugin.as_ref().is_some_and(Plugin::stops_clean);
        // For `stop`, and for destructors.
        self.place.enter().map_err(|e| PinReason::new(PinKind::Stop, e.message()))?;
        if let Some(plugin) = self.plugin.take() {
            fault!("unload.stop");
            plugin.stop().map_err(|e| PinReason::new(PinKind::of_stop(&e), e.message()))?;
        }
        if let Some(objection) = self.objection(vouched) {
            return Err(objection.into());
        }
        fault!("unload.close");
        // `self` is consumed, so nobody uses the handle after this.
        ManuallyDrop::into_inner(self.library())
            .close()
            .map_err(|e| PinReason::new(PinKind::Dlclose, e.to_string()))?;
        if self.place.extent(&self.load_name).is_some() {
            return Err(self.left_mapped());
        }
        drop(self.claim.take());
        std::mem::replace(&mut self.place, Place::Shared).give_back();
        Ok(())
    }

    /// Bytes of address space from the image's first segment to the end of its last one.
    pub fn mapped_bytes(&self) -> usize {
        self.extent.len()
    }

    /// Why the image must not be closed: what its file shows, what its libraries show, what the process shows.
    fn objection(&mut self, vouched: bool) -> Option<PinReason> {
        let stands =
            |hazard: &Hazard| hazard.forbids_closing() && !(vouched && hazard.is_waived_by_clean_stop());
        if let Some(index) = self.hazards.iter().position(stands) {
            return Some(self.hazards.swap_remove(index).into());
        }
        self.companions
            .objection(vouched)
            .or_else(|| audit::left_behind(&self.extent, &self.companions, &self.place))
    }

    /// What the linker holds after `dlclose`, and why as far as it can be told.
    fn left_mapped(mut self) -> Stays {
        let holder = audit::holder(&self.extent, &self.place);
        let tls = self.hazards.iter().find(|hazard| hazard.kind == HazardKind::Tls);
        let reason = match (holder, tls) {
            (Some(holder), _) => PinReason::new(
                PinKind::Dependency,
                format!("{holder} (a version script that exports the plugin's own names only prevents that)"),
            ),
            (None, Some(tls)) => PinReason::new(
                PinKind::Tls,
                format!("{}, and threads have yet to run the destructors", tls.evidence),
            ),
            (None, None) => PinReason::new(PinKind::Dependency, "another image needs it"),
        };
        // An isolated image is not asked for again: its namespace is given up with it.
        let remnant = (self.isolation() == Isolation::Shared)
            .then(|| Remnant { load_name: std::mem::take(&mut self.load_name), claim: self.claim.take() });
        Stays { reason, remnant }
    }

    /// The handle as libloading sees it; dropping this does not close it.
    fn library(&self) -> ManuallyDrop<Library> {
        // SAFETY: `handle` came from `Library::into_raw` and is open as long as `self` lives.
        ManuallyDrop::new(unsafe { Library::from_raw(self.handle) })
    }
}

/// Level 1: the interface's revision is read from the file, before any code runs. Level 0 has no descriptor.
fn check_descriptor(elf: &Elf<'_>, bytes: &[u8]) -> Result<()> {
    let Some(export) = elf.exports().find(|export| export.name == plugin::SYMBOL) else { return Ok(()) };
    let head = export.file_range.clone().and_then(|range| bytes.get(range)?.first_chunk::<8>());
    let Some([s0, s1, s2, s3, a0, a1, a2, a3]) = head else {
        return Err(Error::new(
            Status::ImageRejected,
            format!("{}: expected initialised data in the file, found none", plugin::SYMBOL),
        ));
    };
    plugin::check_head(u32::from_le_bytes([*s0, *s1, *s2, *s3]), u32::from_le_bytes([*a0, *a1, *a2, *a3]))
}

/// An image that may be loaded as far as its bytes tell.
struct Examined<'a> {
    elf: Elf<'a>,
    /// On its SONAME, where others see that.
    claim: Option<Claim>,
    /// What an isolated image will bring along.
    libraries: Vec<Admitted>,
    /// What is opened before it.
    needed: Needed,
}

fn examine(image: &VerifiedImage, isolation: Isolation) -> Result<Examined<'_>> {
    let elf = Elf::parse(image.bytes())?;
    policy::loadable(&elf, image.allowances())?;
    check_descriptor(&elf, image.bytes())?;
    Ok(match isolation {
        Isolation::Shared => {
            let claim = elf.soname().map(|soname| claim(soname, image)).transpose()?;
            let needed = Needed::find(image, &elf)?;
            Examined { elf, claim, libraries: Vec::new(), needed }
        }
        Isolation::Own => {
            let libraries = isolation::check(&elf)?;
            needed::refuse_demands(image)?;
            Examined { elf, claim: None, libraries, needed: Needed::default() }
        }
    })
}

/// Two Go runtimes in one process share neither a heap nor a scheduler, and both install handlers for all signals.
fn check_go(hazards: &[Hazard], image: &VerifiedImage) -> Result<()> {
    let has_go = hazards.iter().any(|hazard| hazard.kind == HazardKind::Go);
    match audit::go_runtime().filter(|_| has_go && !image.allowances().go_runtime) {
        Some(first) => Err(Error::new(
            Status::ImageRejected,
            format!(
                "Go runtime: expected the only one of this process, found another in {first}; allow `go_runtime` in \
                 trust.json if this is wanted"
            ),
        )),
        None => Ok(()),
    }
}

fn claim(soname: &str, image: &VerifiedImage) -> Result<Claim> {
    Claim::new(soname, image.allowed_sonames().iter().any(|allowed| allowed == soname))
}

/// Where the image lies, after making sure that it is the verified file that was mapped there.
fn extent_of(place: &Place, load_name: &CStr, image: &VerifiedImage) -> Result<Range<usize>> {
    let extent = place.extent(load_name).ok_or_else(|| {
        Error::new(Status::LoadFailed, "the dynamic linker does not list the image that it mapped")
    })?;
    let (mapped, verified) = (maps::file_at(extent.start)?, image.identity()?);
    if mapped != verified {
        return Err(Error::new(
            Status::LoadFailed,
            format!(
                "mapped image: expected the verified file {verified:?}, found device and inode {mapped:?}"
            ),
        ));
    }
    Ok(extent)
}
