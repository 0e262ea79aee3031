"""Who am I, where am I, and the websocket URL: auth.test, apps.connections.open, team.info, bots.info."""

from bot.sandbox.seeded import APP_ID, BOT_ID, BOT_USER_ID, TEAM_ID
from bot.sandbox.slack.messages import BOT_PROFILE, Json
from bot.sandbox.slack.parts import Parts
from bot.sandbox.slack.payloads import TEAM_DOMAIN
from bot.sandbox.slack.web_api.call import Call, Method, SlackError


def api_test(parts: Parts, call: Call) -> Json:
    return {"args": call.arguments}


def auth_test(parts: Parts, call: Call) -> Json:
    return {
        "url": f"http://{call.host}/", "team": "Sandbox", "user": "tiphys", "team_id": TEAM_ID,
        "user_id": BOT_USER_ID, "bot_id": BOT_ID, "is_enterprise_install": False,
    }  # fmt: skip


def connections_open(parts: Parts, call: Call) -> Json:
    if not parts.installation.socket_mode:
        raise SlackError("socket_mode_not_enabled")
    return {"url": parts.socket_mode.issue_url(call.host)}


def team_info(parts: Parts, call: Call) -> Json:
    return {"team": {"id": TEAM_ID, "name": "Sandbox", "domain": TEAM_DOMAIN, "email_domain": "", "icon": {}}}


def bots_info(parts: Parts, call: Call) -> Json:
    if call.text("bot") != BOT_ID:
        raise SlackError("bot_not_found")
    return {"bot": {**BOT_PROFILE, "user_id": BOT_USER_ID, "app_id": APP_ID}}


METHODS = {
    "auth.test": Method(auth_test),
    "apps.connections.open": Method(connections_open, app_token=True),
    "team.info": Method(team_info, ("team:read",)),
    "bots.info": Method(bots_info, ("users:read",)),
    "api.test": Method(api_test),
}
