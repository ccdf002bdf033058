import pickle

from mains.kernel.errors import MainsError


class UnableToTest(MainsError):
    """An error of one place."""


def test_an_error_crosses_processes_whole() -> None:
    error = UnableToTest(
        code="a-code", message="It broke.", place="file.csv, line 3", remedy="Mend it.", params={"n": 3}
    )
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is UnableToTest
    assert (again.code, again.message, again.place, again.remedy, again.params) == (
        "a-code",
        "It broke.",
        "file.csv, line 3",
        "Mend it.",
        {"n": 3},
    )
    assert str(again) == "file.csv, line 3: It broke. Mend it."
