//! Whether all that take part say the same of every signature and every digest.

use crate::cases::{self, Damage};
use crate::driver::Case;
use crate::field::{Entrant, Field};
use sogov::crypto::sm2::PrivateKey;

/// Where a peer is known to accept what it should not.
const EXCEPTIONS: [(&str, Damage, &str); 1] = [(
    "crypto_mb",
    Damage::KeyOffCurve,
    "takes coordinates and leaves it to the caller whether the point lies on the curve; what it then computes is arbitrary",
)];

/// All sign; all verify what all signed, good and damaged; all digest. Ends the bench where two differ.
pub fn check(field: &Field) -> String {
    let signer = PrivateKey::generate().unwrap();
    let spki = signer.public_key().to_spki_der().to_vec();
    let other = PrivateKey::generate().unwrap().public_key().to_spki_der().to_vec();
    let messages = cases::messages(&spki);

    let mut digests: Option<Vec<Vec<u8>>> = None;
    let (mut claims, mut origins) = (Vec::new(), Vec::new());
    for entrant in &field.entrants {
        let mut driver = entrant.start();
        driver.signer(&signer.to_pkcs8_der().unwrap(), signer.to_bytes().unwrap().as_slice(), &spki);
        driver.load(&messages);
        let found = driver.digest();
        assert_eq!(*digests.get_or_insert_with(|| found.clone()), found, "the digests of {}", entrant.title);
        let signatures = driver.sign();
        assert_eq!(signatures.len(), messages.len(), "the signatures of {}", entrant.title);
        for (signature, Case { spki, message, .. }) in signatures.into_iter().zip(&messages) {
            let good = Case { spki: spki.clone(), signature, message: message.clone() };
            claims.extend(Damage::ALL.map(|damage| damage.of(&good, &other)));
            origins.extend(Damage::ALL.map(|damage| (entrant, damage)));
        }
    }
    let mut wrong = Vec::new();
    for entrant in &field.entrants {
        let mut driver = entrant.start();
        driver.load(&claims);
        let verdicts = driver.check();
        assert_eq!(verdicts.len(), claims.len(), "the verdicts of {}", entrant.title);
        for ((verdict, (signer, damage)), claim) in verdicts.iter().zip(&origins).zip(&claims) {
            if *verdict != (*damage == Damage::None) && !is_exception(entrant, *damage) {
                let verb = if *verdict { "accepts" } else { "refuses" };
                wrong.push(format!(
                    "{} {verb} a signature by {} (damage: {damage:?}) over {} bytes",
                    entrant.title,
                    signer.title,
                    claim.message.len()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} verdicts are wrong:\n{}", wrong.len(), wrong.join("\n"));
    let (signatures, good) = (claims.len(), claims.len() / Damage::ALL.len());
    format!(
        "{} implementations agree on {signatures} signatures, {good} of them good, and on {} digests",
        field.entrants.len(),
        messages.len()
    )
}

fn is_exception(entrant: &Entrant, damage: Damage) -> bool {
    EXCEPTIONS.iter().any(|(name, of, _)| *name == entrant.name && *of == damage)
}
