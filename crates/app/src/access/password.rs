//! Passwords: what the zone asks of them, their stored form, changing one's own.

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use domain::access::Permission;
use domain::access::password::{PasswordRefusal, Profile};
use domain::audit::Digest;
use domain::{Id, Millis};
use store::Tx;

use crate::audit::{self, Command};
use crate::{Failure, Never, Who};

/// What a zone has chosen; a new one asks for second factors and keeps to OWASP ASVS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    pub profile: Profile,
    /// Administrators, certifiers and exporters show a second factor first.
    pub second_factor_required: bool,
}

const PROFILE: &str = "password_profile";
const SECOND_FACTOR: &str = "second_factor";

pub fn settings(tx: &mut Tx) -> Result<Settings, store::Broken> {
    let profile = store::access::setting(tx, PROFILE)?;
    let offered = store::access::setting(tx, SECOND_FACTOR)?.as_deref() == Some("offered");
    let profile = profile.as_deref().and_then(Profile::from_code).unwrap_or_default();
    Ok(Settings { profile, second_factor_required: !offered })
}

pub fn set_settings(
    tx: &mut Tx,
    who: &Who,
    key: Id,
    chosen: Settings,
) -> Result<(), Failure<Never>> {
    who.must(Permission::ManagePosts)?;
    let factor = if chosen.second_factor_required { "required" } else { "offered" };
    let asked = Digest::of("set_access_rules").text(chosen.profile.code()).text(factor);
    if audit::is_repeat(tx, key, &asked)? {
        return Ok(());
    }
    store::access::set_setting(tx, PROFILE, chosen.profile.code())?;
    store::access::set_setting(tx, SECOND_FACTOR, factor)?;
    let note = format!("{} {factor}", chosen.profile.code());
    let c = Command { key, verb: "set_access_rules", subject: None, path: None, asked };
    Ok(audit::record_for(tx, (Some(who.person), who.now), None, Some(&note), c)?)
}

/// Argon2id, 19 MiB, two passes (OWASP ASVS 5.0 §11.4.2).
fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

/// Does what was typed fit the stored form?
pub(super) fn fits(typed: &str, stored: &str) -> bool {
    argon2::password_hash::phc::PasswordHash::new(stored)
        .is_ok_and(|hash| hasher().verify_password(typed.as_bytes(), &hash).is_ok())
}

/// What somebody's next password must be. Loaded in a transaction, used outside: hashing is costly.
pub struct Rules {
    profile: Profile,
    is_administrator: bool,
    /// Stored forms that may not come back.
    former: Vec<String>,
    /// What everybody would guess of this person: login, name, unit.
    words: Vec<String>,
}

/// The rules for this person today.
pub fn rules(tx: &mut Tx, person: Id, now: Millis) -> Result<Rules, Failure<Never>> {
    let found = store::access::find(tx, person)?.ok_or(Failure::NotFound)?;
    let profile = settings(tx)?.profile;
    let today = domain::local_date(now);
    let posts = store::access::posts(tx, person)?;
    let is_administrator =
        posts.iter().any(|p| p.role.is_administrator() && p.to.is_none_or(|to| today <= to));
    let former = match profile.remembers() {
        0 => Vec::new(),
        many => store::access::passwords(tx, person, many)?,
    };
    let words = [found.login, Some(found.name), found.unit].into_iter().flatten().collect();
    Ok(Rules { profile, is_administrator, former, words })
}

impl Rules {
    /// For somebody who is about to become the first administrator of a new zone.
    pub fn of_first(profile: Profile, login: &str, name: &str) -> Rules {
        let words = vec![login.to_owned(), name.to_owned()];
        Rules { profile, is_administrator: true, former: Vec::new(), words }
    }

    /// The stored form of a password that keeps the rules; `salt` is random, from the edge.
    pub fn hash(
        &self,
        password: &str,
        salt: &[u8; 16],
    ) -> Result<String, Failure<PasswordRefusal>> {
        let words: Vec<&str> = self.words.iter().map(String::as_str).chain(["siji"]).collect();
        // The estimate's own limit; what follows could only make it harder to guess.
        let begin: String = password.chars().take(100).collect();
        let guesses = zxcvbn::zxcvbn(&begin, &words).guesses_log10();
        domain::access::password::decide(self.profile, self.is_administrator, password, guesses)
            .map_err(Failure::Refused)?;
        if self.former.iter().any(|stored| fits(password, stored)) {
            let times = self.profile.remembers();
            return Err(Failure::Refused(PasswordRefusal::UsedBefore { times }));
        }
        hash(password, salt)
    }
}

/// The stored form of a password, whatever it is.
fn hash<R>(password: &str, salt: &[u8; 16]) -> Result<String, Failure<R>> {
    hasher()
        .hash_password_with_salt(password.as_bytes(), salt)
        .map(|h| h.to_string())
        .map_err(|e| Failure::Broken(store::Broken::data(format!("argon2: {e}"))))
}

/// The stored form of a password that everybody may know: the demo's.
pub fn hash_of_demo(password: &str) -> Result<String, Failure<Never>> {
    hash(password, &[7; 16])
}

/// A person sets their own password; every other session of theirs ends.
pub fn change_password(
    tx: &mut Tx,
    who: &Who,
    key: Id,
    session: Id,
    hashed: &str,
) -> Result<(), Failure<Never>> {
    let asked = Digest::of("change_password").id(session).text(hashed);
    if audit::is_repeat(tx, key, &asked)? {
        return Ok(());
    }
    store::access::set_password(tx, who.person, hashed, who.now)?;
    store::access::end_sessions(tx, who.person, Some(session))?;
    let c = Command { key, verb: "change_password", subject: Some(who.person), path: None, asked };
    Ok(audit::record(tx, who, c)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(profile: Profile) -> Rules {
        Rules::of_first(profile, "zhang.wei", "Zhang Wei")
    }

    #[test]
    fn passwords_are_kept_under_argon2id_of_nineteen_mebibytes_and_two_passes() {
        let stored = rules(Profile::Asvs).hash("plum-kettle-orbit", &[1; 16]).expect("a hash");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(fits("plum-kettle-orbit", &stored));
    }

    #[test]
    fn what_everybody_chooses_is_refused_and_every_character_counts() {
        let hash = |password: &str| rules(Profile::Asvs).hash(password, &[1; 16]);
        for easy in
            ["passwordpassword", "123456789012345", "qwertyuiopasdfgh", "zhang.weizhang.wei"]
        {
            let refused = matches!(hash(easy), Err(Failure::Refused(PasswordRefusal::TooEasy)));
            assert!(refused, "{easy}");
        }
        // Nothing is cut off: not the case, not what follows the 72nd character, not a space.
        let long = format!("plum kettle orbit {} end", "a1".repeat(60));
        let stored = hash(&long).expect("a hash");
        assert!(fits(&long, &stored));
        for other in [long.to_uppercase(), long[..long.len() - 1].to_owned(), format!(" {long}")] {
            assert!(!fits(&other, &stored), "{other}");
        }
    }
}
