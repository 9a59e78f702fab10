"""A server that stands for Twilio's REST API, and webhooks as Twilio sends them."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode

import httpx
from twilio.request_validator import RequestValidator

ACCOUNT, TOKEN = "AC" + "0" * 32, "the-auth-token-of-these-tests"
PUBLIC = "https://chat.example.com"


class TwilioApi:
    """Keeps the messages that it is told to send; `script` holds what it answers first, as (status, code)."""

    def __init__(self):
        self.sent = []
        self.users = []
        self.script = []

    def reset(self):
        for kept in (self.sent, self.users, self.script):
            kept.clear()

    @property
    def texts(self):
        return [message["Body"] for message in self.sent]


@contextmanager
def twilio_api():
    """Yields the url of a running server and its TwilioApi."""
    api = TwilioApi()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, code = api.script.pop(0) if api.script else (201, None)
            api.users.append(self.headers["Authorization"])
            if status == 201:
                api.sent.append(dict(parse_qsl(body, keep_blank_values=True)) | {"path": self.path})
            answer = {"sid": f"SM{len(api.sent):032}", "status": "queued"}
            if status != 201:
                answer = {"code": code, "message": f"To number is no good: {body}", "status": status}
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", api
    finally:
        server.shutdown()
        server.server_close()


def signature(path, fields, token=TOKEN, public=PUBLIC):
    """What Twilio sends as X-Twilio-Signature."""
    return RequestValidator(token).compute_signature(public + path, fields)


def post(url, path, fields, signed=None, public=PUBLIC, **headers):
    """Posts a webhook to the server at `url`, signed as Twilio does unless told otherwise."""
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8", **headers}
    signed = signature(path, fields, public=public) if signed is None else signed
    if signed:
        headers["X-Twilio-Signature"] = signed
    return httpx.post(url + path, content=urlencode(fields), headers=headers, timeout=30)


def sms(text, sid="SM1", number="+447700900123", **fields):
    """The form of a text message, as recorded: many fields are empty."""
    return {
        "ToCountry": "GB",
        "ToState": "",
        "SmsMessageSid": sid,
        "NumMedia": "0",
        "ToCity": "",
        "FromZip": "",
        "SmsSid": sid,
        "FromState": "",
        "SmsStatus": "received",
        "FromCity": "",
        "Body": text,
        "FromCountry": "GB",
        "To": "+441134960000",
        "MessagingServiceSid": "",
        "ToZip": "",
        "NumSegments": "1",
        "MessageSid": sid,
        "AccountSid": ACCOUNT,
        "From": number,
        "ApiVersion": "2010-04-01",
    } | fields


def whatsapp(text, sid="SM1", number="+447700900123", **fields):
    """The form of a WhatsApp message."""
    return {
        "SmsMessageSid": sid,
        "NumMedia": "0",
        "ProfileName": "Priya Shah",
        "MessageType": "text",
        "SmsSid": sid,
        "WaId": number.removeprefix("+"),
        "SmsStatus": "received",
        "Body": text,
        "To": "whatsapp:+441134960001",
        "NumSegments": "1",
        "ReferralNumMedia": "0",
        "MessageSid": sid,
        "AccountSid": ACCOUNT,
        "From": f"whatsapp:{number}",
        "ApiVersion": "2010-04-01",
    } | fields
