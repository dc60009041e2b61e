"""Starts the HTTP gateway that is in the package `tensorzero` and says where it listens. `start_tensorzero.py CONFIG`"""

import json
import signal
import sys

from openai import OpenAI
from tensorzero import patch_openai_client

client = patch_openai_client(OpenAI(api_key="unused"), config_file=sys.argv[1], async_setup=False)
print(json.dumps({"ready": True, "gate": str(client.base_url)}), flush=True)
signal.pause()
