//! Private keys in PKCS#11 tokens and SDF devices: SoftHSM2 is the token, a mock of our own the device.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "tokens/sdf.rs"]
mod sdf;
#[path = "tokens/softhsm.rs"]
mod softhsm;
mod support;

use sogov::crypto::key::{Key, Signer};
use sogov::crypto::scheme::Schemes;
use sogov::crypto::sm2::UserId;

/// Signs and verifies, by 4 threads.
fn sign_much(key: &Key, user_id: &UserId) {
    std::thread::scope(|scope| {
        for thread in 0..4_u8 {
            scope.spawn(move || {
                for i in 0..10 {
                    let message = [thread, i].repeat(usize::from(i) * 100);
                    let signature = key.sign(&Schemes::new(), user_id, &message).unwrap();
                    let public = key.public_key().unwrap();
                    public.verify(&Schemes::new(), user_id, &message, &signature).unwrap();
                }
            });
        }
    });
}

/// Runs `body` in a forked child, where it has to succeed.
fn in_child(body: impl FnOnce()) {
    // SAFETY: one test at a time; glibc lets a child of fork allocate.
    let id = unsafe { libc::fork() };
    if id == 0 {
        let good = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).is_ok();
        // SAFETY: ends the child without the harness's ends.
        unsafe { libc::_exit(i32::from(!good)) };
    }
    let mut status = -1;
    // SAFETY: our own child.
    unsafe { libc::waitpid(id, &raw mut status, 0) };
    assert_eq!(status, 0, "the child failed");
}

/// Signs a plugin and the trust document that names its key, and has an engine look at them.
fn governs_plugins(key: &dyn Signer) {
    use sogov::engine::{Engine, EngineOptions, FileFacts, FileSigner, LoadOptions, sign_trust_document};
    let directory = support::TempDir::new();
    let trust = directory.path().join("trust");
    std::fs::create_dir_all(trust.join("keys")).unwrap();
    std::fs::write(trust.join("keys/key.pem"), key.public_key().to_pem()).unwrap();
    let id = key.public_key().key_id();
    let scheme = key.public_key().scheme().to_string();
    let document = serde_json::json!({
        "schema": 1,
        "epoch": 1,
        "keys": [{ "id": id.to_string(), "scheme": scheme, "services": ["*"] }],
        "services": [{ "name": "*", "threshold": 1, "epoch_floor": 0 }],
    });
    std::fs::write(trust.join("trust.json"), document.to_string()).unwrap();
    sign_trust_document(key, &trust).unwrap();
    let facts = FileFacts { service: "fee".into(), version: "v1".into(), ..FileFacts::default() };
    let plugin = directory.path().join("fee.so");
    let signer = FileSigner { key, user_id: &UserId::default() };
    signer.sign(&support::fee("v1"), &plugin, &facts).unwrap();
    let options =
        EngineOptions { trust_directory: Some(trust), root_key_ids: vec![id], ..EngineOptions::default() };
    let engine = Engine::open(options).unwrap();
    engine.verify_file("fee", Some("v1"), &plugin, &LoadOptions::default()).unwrap();
}
