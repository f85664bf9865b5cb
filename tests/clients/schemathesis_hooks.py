"""The law, as schemathesis checks it: nothing made up is admitted, and nothing that breaks the document's schemas."""

import json

import jsonschema
import schemathesis

# A good key or session is all that these need, and the run has it.
BY_KEY_ALONE = {
    "/v1/server/auth_ticket/request",
    "/v1/server/user/update",
    "/v1/client/project_configs",
    "/taptalk/auth_ticket",
}


def is_admitted(path, response):
    """Whether the platform of the call reads the response as admitted."""
    if path == "/checkauthtoken":
        return response.text == "Validated"
    if path == "/CheckToken":
        return json.loads(response.text)["success"] is not False
    if path in ("/auth", "/agent_sync", "/taptalk/auth_ticket"):
        return response.status_code < 400
    return json.loads(response.text)["status"] == 200


def is_known(path, body):
    """Whether the body has the account of Talkdesk's own sample, which is the demo's."""
    return path == "/agent_sync" and body["auth"].get("token") == "123456789"


@schemathesis.check
def refused(ctx, response, case):
    operation = case.operation
    if response.request.method != operation.method.upper() or response.status_code == 405:
        return
    if not is_admitted(operation.path, response):
        return
    described = operation.schema.raw_schema["paths"][operation.path][operation.method].get("requestBody")
    body = None
    if described is not None:
        body = json.loads(response.request.body)
        schema = described["content"]["application/json"]["schema"]
        errors = [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(body)]
        assert not errors, f"a request is admitted that has not its schema: {errors}"
    made_up = operation.path not in BY_KEY_ALONE and not is_known(operation.path, body)
    assert not made_up, f"a made-up credential is admitted: {response.text}"


@schemathesis.deserializer("text/plain")
def deserialize_text(ctx, response):
    return response.text


def integral(value):
    """Python writes the integers that JSON Schema knows as `1.0`, too. The contract knows `1` alone."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [integral(item) for item in value]
    if isinstance(value, dict):
        return {name: integral(item) for name, item in value.items()}
    return value


@schemathesis.hook
def map_body(ctx, body):
    return integral(body)
