from ._compare import Comparison as Comparison, compare as compare
from ._discrepancy import Discrepancy as Discrepancy, discrepancy as discrepancy
from ._estimators import TSNE as TSNE, LinearProbe as LinearProbe
from ._extract import extract as extract
from ._measures import (
    alignment as alignment,
    cka as cka,
    hscore as hscore,
    knn as knn,
    logme as logme,
    silhouette as silhouette,
    uniformity as uniformity,
)
from ._run import Run as Run
from ._scores import leep as leep, modality_gap as modality_gap, nce as nce, otdd as otdd

__version__: str
