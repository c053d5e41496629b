from sparring.recipes import RECIPES
from sparring.recipes.results import Measured, measured_results, record


def test_rows_are_of_recipes_that_are_there():
    assert measured_results() and {row.recipe for row in measured_results()} <= set(RECIPES)


def test_a_row_measured_again_takes_its_place(tmp_path):
    path = tmp_path / "measured.json"
    path.write_text("[]")
    first, other = Measured("dcgan", "mnist", 600_000, 0, 5.0, 0.25), Measured("dcgan", "mnist", 600_000, 1, 6.0, 0.3)
    record([first, other], path)
    again = Measured("dcgan", "mnist", 600_000, 0, 4.5, 0.2, "collapsed")
    record([again], path)
    assert measured_results(path) == [again, other]
    assert again.text() == "mnist, 600,000 images, seed 0: Fréchet distance 4.50, 0.20 of the gap left, collapsed"
