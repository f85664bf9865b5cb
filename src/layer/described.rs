//! The parts of a layer that a description needs.

pub(crate) use super::conclusion::{VerdictOf, uncached};
use super::{GuardLayer, VerifyLayer, admission::Admission};
use crate::{CallerSecret, Route};

/// The parts of a layer that show in its answers.
pub(crate) struct Mounted<'a, C> {
    pub(crate) contract: &'a C,
    pub(crate) route: &'a Route,
    pub(crate) body_limit: usize,
    pub(crate) has_deadline: bool,
    /// The caller's secret, if it is the same one for every request.
    pub(crate) caller_secret: Option<&'a CallerSecret>,
    /// Whether callers can be unknown.
    pub(crate) knows_callers: bool,
}

impl<C, V> Admission<C, V> {
    fn mounted(&self) -> Mounted<'_, C> {
        let settings = &self.settings;
        Mounted {
            contract: &self.contract,
            route: &self.route,
            body_limit: settings.body_limit,
            has_deadline: settings.deadline.is_some(),
            caller_secret: settings.one_caller_secret.as_ref(),
            knows_callers: settings.caller_secret.is_some() || settings.caller_check.is_some(),
        }
    }
}

impl<E, V> VerifyLayer<E, V> {
    pub(crate) fn mounted(&self) -> Mounted<'_, E> {
        self.admission.mounted()
    }
}

impl<C, V> GuardLayer<C, V> {
    pub(crate) fn mounted(&self) -> Mounted<'_, C> {
        self.admission.mounted()
    }
}
