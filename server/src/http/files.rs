//! Configurations as downloads: of a road warrior its file without the private key, of a site what its router needs.

use app::{
    api::ApiError,
    domain::{PeerId, ProjectName, peer::PeerKind, road_warrior::file_name},
};
use axum::{
    extract::{Path, Request},
    http::header,
    response::{IntoResponse, Response},
};

use super::{refusal, session, session::Visitor};

/// As [`app::routes::peer_file`] names it.
pub const PATH: &str = "/projects/{project}/gateways/{gateway}/peers/{peer}/file";

pub async fn file(Path((project, _, peer)): Path<(String, String, String)>, request: Request) -> Response {
    let Some(visitor) = request.extensions().get::<Visitor>() else {
        return session::unauthenticated(request.headers(), request.uri().path());
    };
    match render(visitor, &project, &peer).await {
        Ok((name, text)) => {
            let attachment = format!("attachment; filename=\"{name}\"");
            let kind = "text/plain; charset=utf-8".to_owned();
            ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, attachment)], text).into_response()
        }
        Err(error) => refusal::error(request.headers(), &error),
    }
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
