"""The operator of the console's own subscription, played by Microsoft's own client for Python.

usage: azure_operator.py URL AUTHORITY ACCOUNT_FILE run NAME SUBNET | show NAME | addresses
Prints what it sees as JSON.
"""

import json
import sys
import urllib.parse
import urllib.request

from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.mgmt.network import NetworkManagementClient


class SignedIn(SansIOHTTPPolicy):
    """Microsoft's own policy refuses to send a token over plain http, which loopback is."""

    def __init__(self, token):
        self.token = token

    def on_request(self, request):
        request.http_request.headers["Authorization"] = f"Bearer {self.token}"


class Nobody:
    """A credential, because the client asks for one; the policy above signs in."""

    def get_token(self, *scopes, **options):
        raise AssertionError("the client has a policy of its own")


def main(url, authority, account_file, verb, name=None, subnet=None):
    with open(account_file) as file:
        account = json.load(file)
    form = {
        "grant_type": "client_credentials",
        "client_id": account["client_id"],
        "client_secret": account["client_secret"],
        "scope": "https://management.azure.com/.default",
    }
    token_url = f"{authority}/{account['tenant']}/oauth2/v2.0/token"
    with urllib.request.urlopen(token_url, urllib.parse.urlencode(form).encode()) as answer:
        policy = SignedIn(json.load(answer)["access_token"])
    client = NetworkManagementClient(
        Nobody(), account["subscription"], base_url=url, authentication_policy=policy, polling_interval=0.1
    )
    group = account["resource_group"]
    if verb == "run":
        configuration = {"name": "main", "properties": {"subnet": {"id": subnet}, "primary": True}}
        body = {"location": "westeurope", "properties": {"ipConfigurations": [configuration]}}
        client.network_interfaces.begin_create_or_update(group, name, body).result()
    if verb in ("run", "show"):
        interface = client.network_interfaces.get(group, name)
        told = [
            [one.properties.private_ip_address, getattr(one.properties.public_ip_address, "id", None)]
            for one in interface.properties.ip_configurations
        ]
        print(json.dumps({"id": interface.id, "addresses": told}))
    else:
        told = [
            [one.id, one.properties.ip_address, one.sku.name, getattr(one.properties.ip_configuration, "id", None)]
            for one in client.public_ip_addresses.list(group)
        ]
        print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
