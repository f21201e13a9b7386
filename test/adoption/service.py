"""A data pipeline that knows nothing of this project.

It writes its own tables and publishes the messages that it always published. Where it publishes to and loads into is given
by the environment, as in any deployment: Google's emulators over REST, or two commands that take the same on their command
line. Standard library only.

    service.py DATE JOB [JOB ...]        JOB is NAME, NAME=error, NAME=empty or NAME=silent (writes, and forgets to publish)
"""
import base64
import json
import os
import random
import subprocess
import sys
import urllib.request

TOPIC = {"model": "models-done"}
TABLE = {"feed": "betting_raw.feed", "feed-v2": "betting_raw.feed", "odds.espn": "betting_raw.odds", "odds.book": "betting_raw.odds", "model": "betting_models.model"}


def rows_of(job, date):
    games = [f"{date}-A", f"{date}-B"]
    if job.startswith("feed"):
        return [{"game_date": date, "game_id": game, "points": 100 + index} for index, game in enumerate(games)]
    if job.startswith("odds."):
        source = job.removeprefix("odds.")
        return [{"game_date": date, "game_id": game, "source": source, "odds": 1.5 + len(source)} for game in games]
    return [{"game_date": date, "game_id": game, "edge": 0.25} for game in games]


def post(url, body, content_type="application/json"):
    request = urllib.request.Request(url, data=body, headers={"Content-Type": content_type})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def load(job, rows):
    """Appends to the table, as both services that fill the odds do."""
    table = TABLE[job]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    command = os.environ.get("LOAD_COMMAND")
    if command:
        subprocess.run([*json.loads(command), table, lines], check=True, stdout=subprocess.DEVNULL)
        return
    project, (dataset, name) = os.environ["GOOGLE_CLOUD_PROJECT"], table.split(".")
    configuration = {"configuration": {"load": {
        "destinationTable": {"projectId": project, "datasetId": dataset, "tableId": name},
        "sourceFormat": "NEWLINE_DELIMITED_JSON", "writeDisposition": "WRITE_APPEND", "createDisposition": "CREATE_NEVER",
    }}}
    boundary = "part"
    body = (f"--{boundary}\r\nContent-Type: application/json\r\n\r\n{json.dumps(configuration)}\r\n"
            f"--{boundary}\r\nContent-Type: application/octet-stream\r\n\r\n{lines}\r\n--{boundary}--\r\n")
    url = f"{os.environ['BIGQUERY_ENDPOINT']}/upload/bigquery/v2/projects/{project}/jobs?uploadType=multipart"
    made = post(url, body.encode(), f"multipart/related; boundary={boundary}")
    answer = made
    while answer["status"]["state"] != "DONE":
        with urllib.request.urlopen(f"{os.environ['BIGQUERY_ENDPOINT']}/bigquery/v2/projects/{project}/jobs/{made['jobReference']['jobId']}", timeout=30) as response:
            answer = json.load(response)
    if "errorResult" in answer["status"]:
        raise RuntimeError(answer["status"]["errorResult"]["message"])


def publish(topic, message):
    text = json.dumps(message)
    command = os.environ.get("PUBLISH_COMMAND")
    if command:
        subprocess.run([*json.loads(command), topic, text], check=True, stdout=subprocess.DEVNULL)
        return
    url = f"http://{os.environ['PUBSUB_EMULATOR_HOST']}/v1/projects/{os.environ['GOOGLE_CLOUD_PROJECT']}/topics/{topic}:publish"
    post(url, json.dumps({"messages": [{"data": base64.b64encode(text.encode()).decode()}]}).encode())


def run(date, word):
    job, _, fate = word.partition("=")
    message = {"processor": job, "date": date.replace("-", ""), "state": "OK", "meta": {"job": random.randrange(2**31)}}
    if fate == "error":
        message |= {"state": "ERROR", "reason": "the feed timed out"}
    elif fate == "empty":
        message["state"] = "EMPTY"
    else:
        rows = rows_of(job, date)
        if job in TABLE:
            load(job, rows)
        message["meta"]["rows"] = len(rows)
    if fate != "silent":
        publish(TOPIC.get(job, "raw-done"), message)


if __name__ == "__main__":
    for word in sys.argv[2:]:
        run(sys.argv[1], word)
