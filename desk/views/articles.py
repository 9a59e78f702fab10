"""The review of articles that were drafted from solved conversations, for designers and supervisors."""

from sanic import Blueprint, Request, redirect
from sanic.exceptions import NotFound
from sanic.response import HTTPResponse

from desk import audit
from desk.actions_client import ActionsError
from desk.context import desk_of, field_of, session_of, user_of
from desk.copilot import Article
from desk.rendering import page
from desk.views.copilot import copilot_of

DECISIONS = {"accept": "accepted", "reject": "rejected"}
MAX_REASON = 200

pages = Blueprint("articles", url_prefix="/desk/articles")


@pages.get("/", strict_slashes=False)
async def articles_page(request: Request) -> HTTPResponse:
    """The drafts that wait for a review."""
    said = DECISIONS.get(request.args.get("said") or "", "")
    return await _page(request, said=f"The draft was {said}." if said else "")


@pages.get("/<reference:str>")
async def article_page(request: Request, reference: str) -> HTTPResponse:
    """One draft, to read and decide."""
    return await _page(request, reference=reference)


@pages.post("/<reference:str>")
async def decide(request: Request, reference: str) -> HTTPResponse:
    """Accept a draft, or reject it with a reason."""
    decision, reason = field_of(request, "decision"), field_of(request, "reason").strip()[:MAX_REASON]
    if decision not in DECISIONS:
        return await _page(request, 409, reference, error="Choose whether to accept or reject the draft.")
    if decision == "reject" and not reason:
        return await _page(request, 409, reference, error="Say why it is rejected, so that the next one is better.")
    try:
        await copilot_of(request).decide(reference, decision, **({"reason": reason} if reason else {}))
    except ActionsError as failure:
        return await _page(request, 409 if 400 <= failure.status < 500 else 502, reference, error=str(failure))
    detail = f"{reference}: {reason}" if reason else reference
    await audit.record(desk_of(request).database, user_of(request).id, f"article_{DECISIONS[decision]}", detail=detail)
    return redirect(f"/desk/articles?said={decision}", status=303)


async def _page(
    request: Request, status: int = 200, reference: str = "", *, error: str = "", said: str = ""
) -> HTTPResponse:
    desk, articles, trouble = desk_of(request), list[Article](), ""
    try:
        articles = await copilot_of(request).articles()
    except ActionsError as failure:
        trouble = str(failure)
    article = next((each for each in articles if each.reference == reference), None)
    if reference and article is None and not trouble and not error:
        raise NotFound("There is no such draft any more.")
    return page(
        desk.jinja,
        "desk/article.html" if article else "desk/articles.html",
        status,
        user=user_of(request),
        csrf_token=session_of(request).csrf_token,
        articles=articles,
        article=article,
        trouble=trouble,
        error=error,
        said=said,
        max_reason=MAX_REASON,
    )
