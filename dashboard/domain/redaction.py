"""Taking telephone numbers and e-mail addresses out of what people wrote.

Callers' numbers find their way into notes (measures G1); whoever may read notes has no need of them.
"""

from __future__ import annotations

import re

_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
# Seven digits or more, in groups that may be set apart; dates and times are not telephone numbers.
_PHONE = re.compile(r"(?<![\w-])(?:\+?\d{1,3}[ .-]?)?(?:\(\d{2,4}\)|\d{2,4})[ .-]?\d{3}[ .-]?\d{3,4}(?![\w-])")
_SHORT = re.compile(r"(?<![\w-])\d{3}[ .-]\d{4}(?![\w-])")


def without_contact_details(text: str) -> str:
    """`text` with every e-mail address and telephone number replaced by what stood there."""
    text = _MAIL.sub("[e-mail]", text)
    return _SHORT.sub("[telephone]", _PHONE.sub("[telephone]", text))
