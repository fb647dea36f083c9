//! The calls that change something of a link, and what their refusals mean where they are made.

use std::net::SocketAddrV4;

use super::{
    seen::{CROSS_ZONE, LINK_TAG},
    wire::Several,
};
use crate::{
    Class, Failure, LinkWish, Outcome,
    aws::{
        form::Form,
        query::Query,
        refusal::{self, is},
        step::{gone_is_done, name_tag, not_visible_yet, unless},
        wire,
    },
};

#[derive(Clone, Debug, PartialEq)]
pub enum LinkStep {
    CreateBalancer {
        subnets: Vec<String>,
    },
    CrossZone(String),
    CreateGroup {
        name: String,
        port: u16,
        vpc: String,
    },
    Register {
        group: String,
        targets: Vec<SocketAddrV4>,
    },
    Deregister {
        group: String,
        targets: Vec<SocketAddrV4>,
    },
    CreateListener {
        balancer: String,
        port: u16,
        group: String,
    },
    CreateService {
        balancer: String,
    },
    Permit {
        service: String,
        add: Vec<String>,
        remove: Vec<String>,
    },
    Spread {
        service: String,
        add: Vec<String>,
        remove: Vec<String>,
    },
    Reject {
        service: String,
        endpoints: Vec<String>,
    },
    DeleteService(String),
    DeleteListener(String),
    DeleteGroup(String),
    DeleteBalancer(String),
    /// Nothing is changed: what could not be read is told.
    Unreadable(Failure),
}

pub(super) async fn make(query: &Query, wish: &LinkWish, step: LinkStep) -> Outcome<()> {
    let region = &wish.region;
    let tags = || [(LINK_TAG, wish.id.to_string()), ("Name", name_tag(&wish.name))];
    let elb = async |form: Form| query.elb(region, &form).await;
    match step {
        LinkStep::CreateBalancer { subnets } => {
            let form = Form::elb("CreateLoadBalancer").with("Name", wish.named());
            let form = form.with("Type", "network").with("Scheme", "internal");
            let form = form.list("Subnets.member", subnets).members_tagged(&tags());
            unless(elb(form).await, "DuplicateLoadBalancerName").map_err(not_visible_yet)
        }
        LinkStep::CrossZone(balancer) => {
            let form = Form::elb("ModifyLoadBalancerAttributes").with("LoadBalancerArn", balancer);
            let form = form.with("Attributes.member.1.Key", CROSS_ZONE).with("Attributes.member.1.Value", true);
            elb(form).await.map(drop).map_err(not_visible_yet)
        }
        LinkStep::CreateGroup { name, port, vpc } => {
            let form = Form::elb("CreateTargetGroup").with("Name", name).with("Protocol", "TCP").with("Port", port);
            let form = form.with("VpcId", vpc).with("TargetType", "ip").with("HealthCheckProtocol", "TCP");
            let form = form.members_tagged(&tags());
            unless(elb(form).await, "DuplicateTargetGroupName").map_err(not_visible_yet)
        }
        LinkStep::Register { group, targets } => {
            elb(aimed("RegisterTargets", group, &targets)).await.map(drop).map_err(not_visible_yet)
        }
        LinkStep::Deregister { group, targets } => gone_is_done(elb(aimed("DeregisterTargets", group, &targets)).await),
        LinkStep::CreateListener { balancer, port, group } => {
            let form = Form::elb("CreateListener").with("LoadBalancerArn", balancer);
            let form = form.with("Protocol", "TCP").with("Port", port);
            let form = form.with("DefaultActions.member.1.Type", "forward");
            let form = form.with("DefaultActions.member.1.TargetGroupArn", group);
            unless(elb(form).await, "DuplicateListener").map_err(not_visible_yet)
        }
        LinkStep::CreateService { balancer } => {
            let form = Form::ec2("CreateVpcEndpointServiceConfiguration").with("AcceptanceRequired", false);
            let form = form.list("NetworkLoadBalancerArn", [balancer]).with("ClientToken", wish.id);
            let form = form.tagged("vpc-endpoint-service", &tags());
            query.ec2_once(region, &form).await.map(drop).map_err(not_visible_yet)
        }
        LinkStep::Permit { service, add, remove } => {
            let form = Form::ec2("ModifyVpcEndpointServicePermissions").with("ServiceId", service);
            let form = form.list("AddAllowedPrincipals", add).list("RemoveAllowedPrincipals", remove);
            query.ec2(region, &form).await.map(drop).map_err(|failure| wrong_principal(not_visible_yet(failure)))
        }
        LinkStep::Spread { service, add, remove } => {
            let form = Form::ec2("ModifyVpcEndpointServiceConfiguration").with("ServiceId", service);
            let form = form.list("AddSupportedRegion", add).list("RemoveSupportedRegion", remove);
            query.ec2(region, &form).await.map(drop).map_err(not_visible_yet)
        }
        LinkStep::Reject { service, endpoints } => {
            let form = Form::ec2("RejectVpcEndpointConnections").with("ServiceId", service);
            several(query.ec2(region, &form.list("VpcEndpointId", endpoints)).await, "RejectVpcEndpointConnections")
        }
        LinkStep::DeleteService(service) => {
            let action = "DeleteVpcEndpointServiceConfigurations";
            several(query.ec2(region, &Form::ec2(action).list("ServiceId", [service])).await, action)
        }
        LinkStep::DeleteListener(arn) => gone_is_done(elb(Form::elb("DeleteListener").with("ListenerArn", arn)).await),
        LinkStep::DeleteGroup(arn) => {
            gone_is_done(elb(Form::elb("DeleteTargetGroup").with("TargetGroupArn", arn)).await)
        }
        LinkStep::DeleteBalancer(arn) => {
            let answer = elb(Form::elb("DeleteLoadBalancer").with("LoadBalancerArn", arn)).await;
            gone_is_done(answer).map_err(still_used)
        }
        LinkStep::Unreadable(failure) => Err(failure),
    }
}

fn aimed(action: &str, group: String, targets: &[SocketAddrV4]) -> Form {
    let mut form = Form::elb(action).with("TargetGroupArn", group);
    for (index, target) in (1..).zip(targets) {
        let member = format!("Targets.member.{index}");
        form = form.with(format!("{member}.Id"), target.ip()).with(format!("{member}.Port"), target.port());
    }
    form
}

/// What was refused is in an answer that is a success.
pub(in crate::aws) fn several(answer: Outcome<String>, action: &str) -> Outcome<()> {
    let body = match answer {
        Err(failure) => return gone_is_done(Err(failure)),
        Ok(body) => body,
    };
    let refused = wire::read::<Several>(&body, action)?.unsuccessful.item.into_iter();
    let refused = refused.map(|one| still_used(refusal::coded(one.error.code, one.error.message)));
    match refused.into_iter().find(|failure| failure.class != Class::Gone) {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

/// What depends on it is on its way out.
fn still_used(mut failure: Failure) -> Failure {
    if is(&failure, "ExistingVpcEndpointConnections") || is(&failure, "OperationNotPermitted") {
        failure.class = Class::Retry;
    }
    failure
}

/// AWS checks that a principal exists.
fn wrong_principal(mut failure: Failure) -> Failure {
    let code = failure.code.to_ascii_lowercase();
    if code.starts_with("invalidprincipal") || code.starts_with("invalidparameter") {
        failure.class = Class::Specification;
    }
    failure
}
