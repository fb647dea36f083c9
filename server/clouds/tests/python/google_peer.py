"""The other side of a Google peering, played by Google's own client for Python.

usage: google_peer.py URL KEY_FILE add|remove|show|grow CONSOLE_PROJECT CONSOLE_NETWORK
Prints what the peer sees of its peering as JSON. URL may be the look-alike's or that of a proxy before it.
"""

import json
import sys

from google.cloud import compute_v1
from google.oauth2 import service_account

NETWORK = "main"
PEERING = "to-the-console"


def main(url, key_file, verb, console_project, console_network):
    credentials = service_account.Credentials.from_service_account_file(
        key_file, scopes=["https://www.googleapis.com/auth/compute"]
    )
    project = credentials.project_id
    options = {"api_endpoint": url}
    networks = compute_v1.NetworksClient(credentials=credentials, client_options=options)
    # An extended operation asks by a client of its own, which would go to Google: it is asked for here instead.
    operations = compute_v1.GlobalOperationsClient(credentials=credentials, client_options=options)

    def settle(operation):
        while True:
            now = operations.wait(project=project, operation=operation.name)
            if now.status == compute_v1.Operation.Status.DONE:
                return [{"code": error.code, "message": error.message} for error in now.error.errors]

    errors = []
    if verb == "add":
        peering = compute_v1.NetworkPeering(
            name=PEERING,
            network=f"projects/{console_project}/global/networks/{console_network}",
            exchange_subnet_routes=True,
        )
        body = compute_v1.NetworksAddPeeringRequest(network_peering=peering)
        errors = settle(
            networks.add_peering_unary(project=project, network=NETWORK, networks_add_peering_request_resource=body)
        )
    elif verb == "remove":
        body = compute_v1.NetworksRemovePeeringRequest(name=PEERING)
        errors = settle(
            networks.remove_peering_unary(
                project=project, network=NETWORK, networks_remove_peering_request_resource=body
            )
        )
    elif verb == "grow":
        subnetworks = compute_v1.SubnetworksClient(credentials=credentials, client_options=options)
        regions = compute_v1.RegionOperationsClient(credentials=credentials, client_options=options)
        body = compute_v1.Subnetwork(
            name="grown", network=f"projects/{project}/global/networks/{NETWORK}", ip_cidr_range="10.94.0.0/20"
        )
        region = "europe-west4"
        begun = subnetworks.insert_unary(project=project, region=region, subnetwork_resource=body)
        while regions.wait(project=project, region=region, operation=begun.name).status != begun.Status.DONE:
            pass

    network = networks.get(project=project, network=NETWORK)
    routes = []
    for peering in network.peerings:
        request = compute_v1.ListPeeringRoutesNetworksRequest(
            project=project, network=NETWORK, peering_name=peering.name, region="europe-west1", direction="INCOMING"
        )
        routes += [route.dest_range for route in networks.list_peering_routes(request=request)]
    states = {peering.name: peering.state for peering in network.peerings}
    print(json.dumps({"states": states, "routes": routes, "errors": errors}))


if __name__ == "__main__":
    main(*sys.argv[1:])
