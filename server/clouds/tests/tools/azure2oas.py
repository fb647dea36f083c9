#!/usr/bin/env python3
"""OpenAPI 3.0 with unknown fields refused, out of Microsoft's own models in the wheel azure-mgmt-network.

The models are Microsoft's; the paths, the envelope of lists and errors, and whatever is no part of Microsoft.Network
(role assignments and definitions, resource groups: free-form here) are written by hand.
usage: azure2oas.py > network.json
"""

import datetime
import enum
import json
import sys
import typing

from azure.mgmt.network import models

# What neither side writes or reads is any object: a hundred models take Prism seconds for each request.
KEPT = {
    "AddressSpace",
    "NetworkSecurityGroup",
    "NetworkSecurityGroupPropertiesFormat",
    "SecurityRule",
    "SecurityRulePropertiesFormat",
    "SubResource",
    "Subnet",
    "SubnetPropertiesFormat",
    "VirtualNetwork",
    "VirtualNetworkPeering",
    "VirtualNetworkPeeringPropertiesFormat",
    "VirtualNetworkPropertiesFormat",
}
SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean"}


class Schemas:
    def __init__(self):
        self.found = {}

    def of(self, hint):
        """The schema of a type as Python has it."""
        origin, inner = typing.get_origin(hint), typing.get_args(hint)
        if origin is typing.Union:
            inner = [self.resolved(one) for one in inner if one is not type(None)]
            kinds = [one for one in inner if isinstance(one, type) and issubclass(one, enum.Enum)]
            return self.of(kinds[0] if kinds else inner[0])
        if origin in (list, typing.List):
            return {"type": "array", "items": self.of(inner[0])}
        if origin in (dict, typing.Dict):
            return {"type": "object"}
        hint = self.resolved(hint)
        if isinstance(hint, type) and issubclass(hint, enum.Enum):
            return {"type": "string", "enum": [one.value for one in hint]}
        if hint in SCALARS:
            return {"type": SCALARS[hint]}
        if isinstance(hint, type) and hint.__module__.startswith("azure.mgmt.network"):
            if hint.__name__ not in KEPT:
                return {"type": "object"}
            self.model(hint)
            return {"$ref": f"#/components/schemas/{hint.__name__}"}
        return {}

    @staticmethod
    def resolved(hint):
        text = hint.__forward_arg__ if isinstance(hint, typing.ForwardRef) else hint
        if not isinstance(text, str):
            return hint
        return getattr(models, text.split(".")[-1].strip("\"'[] "), typing.Any)

    def model(self, kind):
        if kind.__name__ in self.found:
            return
        self.found[kind.__name__] = {}
        kind()  # the models fill their fields in lazily
        hints = {}
        for base in reversed(kind.__mro__):
            hints.update(getattr(base, "__annotations__", {}))
        properties = {}
        names = {**vars(typing), "_models": models, "datetime": datetime}
        for attribute, field in kind._attr_to_rest_field.items():
            hint = hints.get(attribute, typing.Any)
            if isinstance(hint, str):
                try:
                    hint = eval(hint, names)  # Microsoft's own annotations, out of the installed wheel
                except Exception:
                    hint = typing.Any
            schema = dict(self.of(hint))
            if field._visibility == ["read"] and "$ref" not in schema:
                schema["readOnly"] = True
            properties[field._rest_name] = schema
        self.found[kind.__name__] = {"type": "object", "properties": properties, "additionalProperties": False}


def main():
    schemas = Schemas()

    def ref(name):
        schemas.model(getattr(models, name))
        return {"$ref": f"#/components/schemas/{name}"}

    def listed(item):
        return {
            "type": "object",
            "required": ["value"],
            "additionalProperties": False,
            "properties": {"value": {"type": "array", "items": item}, "nextLink": {"type": "string"}},
        }

    error = {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
            }
        },
    }
    anything = {"type": "object"}

    def content(schema):
        return {"content": {"application/json": {"schema": schema}}}

    def operation(parameters, answers, body=None):
        responses = {
            status: {"description": status, **(content(schema) if schema else {})} for status, schema in answers.items()
        }
        responses["default"] = {"description": "an error", **content(error)}
        found = {"parameters": parameters, "responses": responses, "security": [{"bearer": []}]}
        if body:
            found["requestBody"] = {"required": True, **content(body)}
        return found

    def query(name, required=False, values=None):
        schema = {"type": "string", **({"enum": values} if values else {"pattern": "^[^ ].*"})}
        return {"name": name, "in": "query", "required": required, "schema": schema}

    paths = {}

    def resource(path, schema, *more):
        names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        fixed = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
        fixed += [query("api-version", True)]
        paths[path] = {
            "get": operation(fixed, {"200": schema}),
            "put": operation(fixed + list(more), {"200": schema, "201": schema}, schema),
            "delete": operation(fixed, {"200": anything, "202": None, "204": None}),
        }

    def collection(path, item):
        names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        fixed = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
        paths[path] = {"get": operation(fixed + [query("api-version", True), query("$filter")], {"200": listed(item)})}

    group = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}"
    network = f"{group}/providers/Microsoft.Network/virtualNetworks/{{virtualNetworkName}}"
    authorization = "providers/Microsoft.Authorization"
    resource(group, anything)
    collection(f"{group}/providers/Microsoft.Network/virtualNetworks", ref("VirtualNetwork"))
    resource(network, ref("VirtualNetwork"))
    resource(f"{network}/subnets/{{subnetName}}", ref("Subnet"))
    collection(f"{network}/virtualNetworkPeerings", ref("VirtualNetworkPeering"))
    resource(
        f"{network}/virtualNetworkPeerings/{{virtualNetworkPeeringName}}",
        ref("VirtualNetworkPeering"),
        query("syncRemoteAddressSpace", values=["true"]),
    )
    security_group = f"{group}/providers/Microsoft.Network/networkSecurityGroups/{{networkSecurityGroupName}}"
    resource(security_group, ref("NetworkSecurityGroup"))
    collection(f"{network}/{authorization}/roleAssignments", anything)
    resource(f"{network}/{authorization}/roleAssignments/{{roleAssignmentName}}", anything)
    resource(f"/subscriptions/{{subscriptionId}}/{authorization}/roleDefinitions/{{roleDefinitionId}}", anything)
    document = {
        "openapi": "3.0.3",
        "info": {"title": "Microsoft.Network", "version": "2024-05-01"},
        "paths": paths,
        "components": {
            "schemas": schemas.found,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }
    json.dump(document, sys.stdout)


if __name__ == "__main__":
    main()
