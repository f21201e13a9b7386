"""Stands for a command where the other end of URL does its work: hands it its words, and ends with the exit code it answers.

    command.py URL [WORD ...]
"""
import json
import sys
import urllib.request

with urllib.request.urlopen(urllib.request.Request(sys.argv[1], data=json.dumps(sys.argv[2:]).encode()), timeout=60) as answer:
    sys.exit(json.load(answer))
