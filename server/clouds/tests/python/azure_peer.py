"""The other side of an Azure peering, played by Microsoft's own client for Python.

usage: azure_peer.py URL AUTHORITY ACCOUNT_FILE grow|peer|leave|show [TENANT NETWORK]
Prints what the peer sees of its peering as JSON. URL may be the look-alike's or that of a proxy before it.
"""

import json
import sys
import urllib.parse
import urllib.request

from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.network.models import AddressSpace, SubResource, VirtualNetworkPeering
from azure.mgmt.network.models import VirtualNetworkPeeringPropertiesFormat

GROUP = "harbor"
NETWORK = "main"
PEERING = "to-the-console"


class SignedIn(SansIOHTTPPolicy):
    """Microsoft's own policy refuses to send a token over plain http, which loopback is."""

    def __init__(self, token, other=None):
        self.token, self.other = token, other

    def on_request(self, request):
        request.http_request.headers["Authorization"] = f"Bearer {self.token}"
        if self.other:
            request.http_request.headers["x-ms-authorization-auxiliary"] = f"Bearer {self.other}"


class Nobody:
    """A credential, because the client asks for one; the policy above signs in."""

    def get_token(self, *scopes, **options):
        raise AssertionError("the client has a policy of its own")


def main(url, authority, account_file, verb, tenant=None, network=None):
    with open(account_file) as file:
        account = json.load(file)

    def token(tenant):
        form = {
            "grant_type": "client_credentials",
            "client_id": account["client_id"],
            "client_secret": account["client_secret"],
            "scope": "https://management.azure.com/.default",
        }
        request = urllib.request.Request(
            f"{authority}/{tenant}/oauth2/v2.0/token", urllib.parse.urlencode(form).encode()
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["access_token"]

    policy = SignedIn(token(account["tenant"]), token(tenant) if tenant else None)
    client = NetworkManagementClient(
        Nobody(), account["subscription"], base_url=url, authentication_policy=policy, polling_interval=0.1
    )
    peerings, networks = client.virtual_network_peerings, client.virtual_networks
    if verb == "peer":
        properties = VirtualNetworkPeeringPropertiesFormat(
            remote_virtual_network=SubResource(id=network),
            allow_virtual_network_access=True,
            allow_forwarded_traffic=False,
            allow_gateway_transit=False,
            use_remote_gateways=False,
        )
        peering = VirtualNetworkPeering(properties=properties)
        made = peerings.begin_create_or_update(GROUP, NETWORK, PEERING, peering).result()
        assert made.name == PEERING and made.properties.provisioning_state == "Succeeded", made
    elif verb == "leave":
        peerings.begin_delete(GROUP, NETWORK, PEERING).result()
    elif verb == "grow":
        there = networks.get(GROUP, NETWORK)
        there.properties.address_space = AddressSpace(address_prefixes=["10.94.0.0/20", "10.95.0.0/20"])
        networks.begin_create_or_update(GROUP, NETWORK, there).result()

    there = networks.get(GROUP, NETWORK)
    seen = {
        peering.name: {
            "state": peering.properties.peering_state,
            "level": peering.properties.peering_sync_level,
            "remote": peering.properties.remote_address_space.address_prefixes,
        }
        for peering in peerings.list(GROUP, NETWORK)
    }
    print(json.dumps({"peerings": seen, "prefixes": there.properties.address_space.address_prefixes}))


if __name__ == "__main__":
    main(*sys.argv[1:])
