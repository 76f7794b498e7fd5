"""What a spectrum must know of a rule or an optimizer, and how one that is made of another tells it."""

from abc import ABC, abstractmethod


class Traits:
    """Those of the plainest method; one that differs overrides them."""

    @property
    def autonomous(self) -> bool:
        """Is it the same map at every step? Not where it depends on a counter for ever."""
        return True

    @property
    def smooth(self) -> bool:
        """Can it be differentiated, so that the step has a Jacobian?"""
        return True

    @property
    def singular_at_rest(self) -> str:
        """Why it has no derivative where the gradient vanishes ("divides by √0"), or "" if it has."""
        return ""


class TraitsOfCore(Traits, ABC):
    """Those of the part that does the work."""

    @property
    @abstractmethod
    def core(self) -> Traits:
        """That part."""

    @property
    def autonomous(self) -> bool:
        """The core's."""
        return self.core.autonomous

    @property
    def smooth(self) -> bool:
        """The core's."""
        return self.core.smooth

    @property
    def singular_at_rest(self) -> str:
        """The core's."""
        return self.core.singular_at_rest
