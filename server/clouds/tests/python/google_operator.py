"""The operator of the console's own project, played by Google's own client for Python.

usage: google_operator.py URL KEY_FILE run ZONE NAME SUBNETWORK | show ZONE NAME | addresses REGION
Prints what it sees as JSON.
"""

import json
import sys
import time

from google.api_core.exceptions import NotFound
from google.cloud import compute_v1
from google.oauth2 import service_account


def main(url, key_file, verb, place, name=None, subnetwork=None):
    credentials = service_account.Credentials.from_service_account_file(
        key_file, scopes=["https://www.googleapis.com/auth/compute"]
    )
    project = credentials.project_id
    options = {"api_endpoint": url}
    instances = compute_v1.InstancesClient(credentials=credentials, client_options=options)
    if verb == "run":
        zones = compute_v1.ZoneOperationsClient(credentials=credentials, client_options=options)
        body = compute_v1.Instance(
            name=name,
            machine_type=f"zones/{place}/machineTypes/e2-small",
            network_interfaces=[compute_v1.NetworkInterface(subnetwork=subnetwork)],
        )
        begun = instances.insert_unary(project=project, zone=place, instance_resource=body)
        while zones.wait(project=project, zone=place, operation=begun.name).status != begun.Status.DONE:
            pass
        # What was just made may be unknown for a moment.
        for _ in range(40):
            try:
                instances.get(project=project, zone=place, instance=name)
                break
            except NotFound:
                time.sleep(0.05)
    if verb in ("run", "show"):
        interface = instances.get(project=project, zone=place, instance=name).network_interfaces[0]
        told = {"private": interface.network_i_p, "public": [one.nat_i_p for one in interface.access_configs]}
    else:
        addresses = compute_v1.AddressesClient(credentials=credentials, client_options=options)
        told = [[one.address, one.status, list(one.users)] for one in addresses.list(project=project, region=place)]
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
