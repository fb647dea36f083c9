//! Files as downloads: of a road warrior its configuration without the private key, of a site what its router needs, of a
//! project the certificate of its CA, of a service the records of its names and its certificates.

use app::{
    api::ApiError,
    domain::{PeerId, ProjectName, ServiceId, peer::PeerKind, road_warrior::file_name, service::route::zone_file},
};
use axum::{
    extract::{Path, Request},
    http::header,
    response::{IntoResponse, Response},
};

use super::{refusal, session, session::Visitor};

/// As [`app::routes::peer_file`] names it.
pub const PATH: &str = "/projects/{project}/gateways/{gateway}/peers/{peer}/file";
/// As [`app::routes::ca_pem`] names it.
pub const AUTHORITY: &str = "/projects/{project}/ca.pem";

/// As [`app::routes::service_zone`] names it.
pub const ZONE: &str = "/projects/{project}/services/{service}/zone.txt";

/// As [`app::routes::service_certificate`] names it; the last segment is `SERIAL.pem`.
pub const CERTIFICATE: &str = "/projects/{project}/services/{service}/certificates/{file}";

pub async fn file(Path((project, _, peer)): Path<(String, String, String)>, request: Request) -> Response {
    let Some(visitor) = request.extensions().get::<Visitor>() else {
        return session::unauthenticated(request.headers(), request.uri().path());
    };
    attached(render(visitor, &project, &peer).await, "text/plain; charset=utf-8", &request)
}

pub async fn authority(Path(project): Path<String>, request: Request) -> Response {
    let Some(visitor) = request.extensions().get::<Visitor>() else {
        return session::unauthenticated(request.headers(), request.uri().path());
    };
    attached(certificate(visitor, &project).await, "application/x-pem-file", &request)
}

pub async fn zone(Path((project, service)): Path<(String, String)>, request: Request) -> Response {
    let Some(visitor) = request.extensions().get::<Visitor>() else {
        return session::unauthenticated(request.headers(), request.uri().path());
    };
    attached(records(visitor, &project, &service).await, "text/plain; charset=utf-8", &request)
}

pub async fn service_certificate(
    Path((project, service, file)): Path<(String, String, String)>,
    request: Request,
) -> Response {
    let Some(visitor) = request.extensions().get::<Visitor>() else {
        return session::unauthenticated(request.headers(), request.uri().path());
    };
    attached(chain(visitor, &project, &service, &file).await, "application/x-pem-file", &request)
}

/// A name and what is in the file.
fn attached(file: Result<(String, String), ApiError>, kind: &'static str, request: &Request) -> Response {
    match file {
        Ok((name, text)) => {
            let attachment = format!("attachment; filename=\"{name}\"");
            ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, attachment)], text).into_response()
        }
        Err(error) => refusal::error(request.headers(), &error),
    }
}

async fn certificate(visitor: &Visitor, project: &str) -> Result<(String, String), ApiError> {
    let project: ProjectName = project.parse().map_err(|_| ApiError::NotFound)?;
    let authority = visitor.console.certificate_authority(&project).await?;
    Ok((format!("{project}-ca.pem"), authority.certificate))
}

async fn chain(visitor: &Visitor, project: &str, service: &str, file: &str) -> Result<(String, String), ApiError> {
    let project: ProjectName = project.parse().map_err(|_| ApiError::NotFound)?;
    let service: ServiceId = service.parse().map_err(|_| ApiError::NotFound)?;
    let serial = file.strip_suffix(".pem").ok_or(ApiError::NotFound)?;
    let console = &visitor.console;
    let all = console.service_certificates(&project, service).await?;
    let issued = all.iter().find(|one| one.serial == serial).ok_or(ApiError::NotFound)?;
    let name = console.service(&project, service).await?.name;
    Ok((format!("{name}.pem"), issued.chain(&console.certificate_authority(&project).await?)))
}

async fn records(visitor: &Visitor, project: &str, service: &str) -> Result<(String, String), ApiError> {
    let project: ProjectName = project.parse().map_err(|_| ApiError::NotFound)?;
    let service: ServiceId = service.parse().map_err(|_| ApiError::NotFound)?;
    let service = visitor.console.service(&project, service).await?;
    Ok((format!("{}.zone", service.name), zone_file(&service.zone, &service.accesses(&project))))
}

async fn render(visitor: &Visitor, project: &str, peer: &str) -> Result<(String, String), ApiError> {
    let project: ProjectName = project.parse().map_err(|_| ApiError::NotFound)?;
    let peer: PeerId = peer.parse().map_err(|_| ApiError::NotFound)?;
    let console = &visitor.console;
    match console.peer(&project, peer).await?.kind {
        PeerKind::RoadWarrior => {
            let facts = console.road_warrior_file(&project, peer).await?;
            Ok((facts.file_name(), facts.render(None)))
        }
        PeerKind::Site => {
            let export = console.site_export(&project, peer).await?;
            Ok((file_name(&export.file.gateway, &export.file.peer), export.render()))
        }
        PeerKind::VpcPeering => Err(ApiError::NotFound),
    }
}
