"""Diyalog's customer check as a typical FastAPI app: a model for the body, one comparison, one word."""

import hmac
import os
import socket
import sys
import threading

import uvicorn
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

NO_STORE = {"cache-control": "no-store"}
app = FastAPI()


class Check(BaseModel):
    deviceId: str
    dlgToken: str
    customerNo: str
    deviceHash: str | None = None


@app.get("/")
async def home():
    return PlainTextResponse("the app")


@app.post("/checkauthtoken")
async def check(body: Check):
    validated = hmac.compare_digest(body.dlgToken.encode(), b"2121sasasrwsdss")
    return PlainTextResponse("Validated" if validated else "InvalidToken", headers=NO_STORE)


@app.exception_handler(RequestValidationError)
async def bad_request(_request, _error):
    return PlainTextResponse("BadRequest", headers=NO_STORE)


def exit_with_stdin():
    sys.stdin.read()
    os._exit(0)


listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
threading.Thread(target=exit_with_stdin, daemon=True).start()
uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning")).run(sockets=[listener])
