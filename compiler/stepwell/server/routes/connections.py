"""Connections: accounts of Cloudflare. Their tokens come in and never go out."""

from __future__ import annotations

import json

from sqlalchemy import select

from stepwell.cloudflare import ApiError, Cloudflare

from .. import lookup
from ..accounts import ACCOUNT
from ..database import new_id, now
from ..door import needs
from ..errors import Problem, of_provider
from ..house import House
from ..paging import Cursor, Limit, page
from ..shapes import (
    Account,
    ConnectionAsk,
    ConnectionPatch,
    ConnectionTell,
    Credentials,
    Ok,
    Page,
    ShownCredentials,
    VerifyAsk,
    VerifyTell,
)
from ..tables import ConnectionRow, DeploymentRow
from ..texts import clean
from .common import Hall, Who, make_router
from .projects import refuse_deployed

router = make_router("connections", provider=True)


@router.get("/connections")
@needs("read")
def list_connections(house: Hall, who: Who, cursor: Cursor = None, limit: Limit = 50) -> Page[ConnectionTell]:
    """The connections of the project."""
    chosen = select(ConnectionRow).where(ConnectionRow.project_id == who.project, ConnectionRow.removed_at.is_(None))
    with house.database.read() as session:
        return page(session, chosen, ConnectionRow, cursor, limit, _tell)


@router.post("/connections", status_code=201)
@needs("write")
def create_connection(house: Hall, who: Who, ask: ConnectionAsk) -> ConnectionTell:
    """Makes a connection. The token is kept encrypted; try it first with verify-token."""
    moment = now()
    row = ConnectionRow(
        id=new_id("conn"),
        project_id=who.project,
        name=ask.name,
        provider=ask.provider,
        account=ask.credentials.account_id,
        credentials=_sealed(house, ask.credentials),
        created_at=moment,
        updated_at=moment,
    )
    with house.database.write() as session:
        session.add(row)
    return _tell(row)


@router.post("/connections/verify-token")
@needs("write")
def verify_token(house: Hall, who: Who, ask: VerifyAsk) -> VerifyTell:
    """Tries a token, and says which accounts it reaches. Nothing is kept."""
    given = ask.credentials
    with house.accounts.client(given.api_token, given.account_id or "none") as api:
        try:
            _verify(api, given.account_id)
            found = [Account(id=str(one["id"]), name=clean(str(one["name"]))) for one in api.pages("/accounts")]
        except ApiError as error:
            if error.status in (400, 401, 403):
                return VerifyTell(valid=False, accounts=[], error=clean(error.message))
            raise of_provider(error, "the token was not verified") from None
    if given.account_id is not None and given.account_id not in (one.id for one in found):
        return VerifyTell(valid=False, accounts=found, error=f"the token does not reach the account {given.account_id}")
    return VerifyTell(valid=True, accounts=found)


def _verify(api: Cloudflare, account: str | None) -> None:
    """Tokens of a user and of an account are verified at different places. Raises `ApiError`."""
    try:
        api.get("/user/tokens/verify")
    except ApiError as error:
        if account is None or error.status not in (400, 401, 403):
            raise
        api.get("tokens/verify")


@router.get("/connections/{connection_id}")
@needs("read")
def get_connection(house: Hall, who: Who, connection_id: str) -> ConnectionTell:
    """A connection."""
    with house.database.read() as session:
        return _tell(lookup.connection(session, who, connection_id))


@router.patch("/connections/{connection_id}")
@needs("write")
def update_connection(house: Hall, who: Who, connection_id: str, ask: ConnectionPatch) -> ConnectionTell:
    """Renames a connection, or gives it another token of the same account."""
    with house.database.write() as session:
        row = lookup.connection(session, who, connection_id)
        if ask.name is not None:
            row.name = ask.name
        if ask.credentials is not None:
            if ask.credentials.account_id != row.account:
                raise Problem(
                    409, "a connection stays with its account, for its runs and deploys are there: make another"
                )
            row.credentials = _sealed(house, ask.credentials)
        row.updated_at = now()
    return _tell(row)


@router.delete("/connections/{connection_id}")
@needs("write")
def delete_connection(house: Hall, who: Who, connection_id: str) -> Ok:
    """Removes a connection and forgets its token. Refused while something is deployed through it."""
    with house.database.write() as session:
        row = lookup.connection(session, who, connection_id, held="removed")
        refuse_deployed(session, DeploymentRow.connection_id == row.id, "a workflow with this connection")
        row.removed_at = row.updated_at = now()
        row.credentials = ""
    return Ok()


def _sealed(house: House, given: Credentials) -> str:
    if not ACCOUNT.fullmatch(given.account_id):
        raise Problem(422, "credentials.accountId is not an account's id")
    if not all("!" <= ch <= "~" for ch in given.api_token):
        raise Problem(422, "credentials.apiToken holds characters that no token has")
    return house.vault.seal(json.dumps({"apiToken": given.api_token}))


def _tell(row: ConnectionRow) -> ConnectionTell:
    return ConnectionTell.model_validate(
        {
            "id": row.id,
            "project_id": row.project_id,
            "name": row.name,
            "provider": row.provider,
            "credentials": ShownCredentials(account_id=row.account),
            "created_at": row.created_at,
            "updated_at": row.updated_at,
        }
    )
