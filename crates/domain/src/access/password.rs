//! What a password must be, in two profiles that contradict each other: a zone chooses one.

use crate::{Arg, Millis, Refusal};

const DAY: Millis = 24 * 3_600_000;

/// OWASP ASVS 5.0 §6.2 asks for length and for nothing that can be guessed, and forbids rules of
/// composition and change at intervals. GB/T 22239-2019 §8.1.4.1 (等保三级) asks for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Profile {
    #[default]
    Asvs,
    Dengbao3,
}

/// Characters of anybody's password, and of an administrator's.
const LEAST: usize = 8;
const LEAST_ADMINISTRATOR: usize = 15;
/// Longer ones would only make the computer work.
const MOST: usize = 256;
/// Kinds of characters, of four.
const KINDS: usize = 3;

impl Profile {
    pub const ALL: [Profile; 2] = [Profile::Asvs, Profile::Dengbao3];

    pub fn code(self) -> &'static str {
        match self {
            Profile::Asvs => "asvs",
            Profile::Dengbao3 => "dengbao3",
        }
    }
    pub fn from_code(code: &str) -> Option<Profile> {
        Profile::ALL.into_iter().find(|p| p.code() == code)
    }

    /// A session ends after so long without a request.
    pub fn idle(self) -> Millis {
        match self {
            Profile::Asvs => 30 * 60_000,
            Profile::Dengbao3 => 15 * 60_000,
        }
    }

    /// So long a password is good; `None`: as long as nobody else knows it.
    pub fn lasts(self) -> Option<Millis> {
        match self {
            Profile::Asvs => None,
            Profile::Dengbao3 => Some(90 * DAY),
        }
    }

    /// So many former passwords may not come back.
    pub fn remembers(self) -> usize {
        match self {
            Profile::Asvs => 0,
            Profile::Dengbao3 => 5,
        }
    }

    /// An account that nobody used for so long is closed until an administrator opens it.
    pub fn unused(self) -> Option<Millis> {
        match self {
            Profile::Asvs => None,
            Profile::Dengbao3 => Some(90 * DAY),
        }
    }

    /// Must a password set at `set_at` be changed by now?
    pub fn is_over(self, set_at: Millis, now: Millis) -> bool {
        self.lasts().is_some_and(|lasts| now - set_at >= lasts)
    }
}

#[derive(Debug, PartialEq, Eq)]
pub enum PasswordRefusal {
    TooShort { least: usize },
    TooLong { most: usize },
    TooFewKinds { least: usize },
    TooEasy,
    UsedBefore { times: usize },
}

impl Refusal for PasswordRefusal {
    fn code(&self) -> &'static str {
        match self {
            PasswordRefusal::TooShort { .. } => "password-too-short",
            PasswordRefusal::TooLong { .. } => "password-too-long",
            PasswordRefusal::TooFewKinds { .. } => "password-too-few-kinds",
            PasswordRefusal::TooEasy => "password-too-easy",
            PasswordRefusal::UsedBefore { .. } => "password-used-before",
        }
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        match self {
            PasswordRefusal::TooShort { least } | PasswordRefusal::TooFewKinds { least } => {
                vec![("least", (*least).into())]
            }
            PasswordRefusal::TooLong { most } => vec![("most", (*most).into())],
            PasswordRefusal::UsedBefore { times } => vec![("times", (*times).into())],
            PasswordRefusal::TooEasy => Vec::new(),
        }
    }
}

/// May this be somebody's password? `guesses_log10` is how many tries somebody needs who knows
/// what people choose, as a power of ten; a million is the least.
pub fn decide(
    profile: Profile,
    is_administrator: bool,
    password: &str,
    guesses_log10: f64,
) -> Result<(), PasswordRefusal> {
    let length = password.chars().count();
    let least = if is_administrator { LEAST_ADMINISTRATOR } else { LEAST };
    if length < least {
        return Err(PasswordRefusal::TooShort { least });
    }
    if length > MOST {
        return Err(PasswordRefusal::TooLong { most: MOST });
    }
    if profile == Profile::Dengbao3 && kinds(password) < KINDS {
        return Err(PasswordRefusal::TooFewKinds { least: KINDS });
    }
    if guesses_log10 < 6.0 {
        return Err(PasswordRefusal::TooEasy);
    }
    Ok(())
}

/// Of small letters, capitals, digits, and all the rest.
fn kinds(password: &str) -> usize {
    let of = |is: fn(char) -> bool| usize::from(password.chars().any(is));
    of(|c| c.is_ascii_lowercase())
        + of(|c| c.is_ascii_uppercase())
        + of(|c| c.is_ascii_digit())
        + of(|c| !c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;
    use PasswordRefusal as No;

    #[test]
    fn what_a_password_must_be() {
        let check = |profile, admin, password: &str, guesses, expected| {
            assert_eq!(decide(profile, admin, password, guesses), expected, "{password}");
        };
        use Profile::{Asvs, Dengbao3};
        check(Asvs, false, "kudzu-7", 9.0, Err(No::TooShort { least: 8 }));
        check(Asvs, false, "kudzu-77", 9.0, Ok(()));
        check(Asvs, false, "四季平安四季平安", 9.0, Ok(()));
        check(Asvs, false, "password", 0.5, Err(No::TooEasy));
        check(Asvs, true, "fourteen-chars", 9.0, Err(No::TooShort { least: 15 }));
        check(Asvs, true, "fifteen--chars-", 9.0, Ok(()));
        check(Asvs, false, &"x".repeat(256), 9.0, Ok(()));
        check(Asvs, false, &"x".repeat(257), 9.0, Err(No::TooLong { most: 256 }));
        check(Dengbao3, false, "onlysmallletters", 9.0, Err(No::TooFewKinds { least: 3 }));
        check(Dengbao3, false, "small1and2digits", 9.0, Err(No::TooFewKinds { least: 3 }));
        check(Dengbao3, false, "Small1and2digits", 9.0, Ok(()));
    }

    #[test]
    fn a_password_of_the_second_profile_lasts_ninety_days() {
        assert!(!Profile::Asvs.is_over(0, 10_000 * DAY));
        assert!(!Profile::Dengbao3.is_over(0, 90 * DAY - 1));
        assert!(Profile::Dengbao3.is_over(0, 90 * DAY));
        assert!(Profile::ALL.iter().all(|p| Profile::from_code(p.code()) == Some(*p)));
    }
}
