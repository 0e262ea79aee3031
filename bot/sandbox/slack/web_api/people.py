"""users.* and usergroups.*: who people are."""

from bot.sandbox.seeded import APP_ID, BOT_ID, BOT_USER_ID, TEAM_ID
from bot.sandbox.slack.messages import Json
from bot.sandbox.slack.parts import Parts
from bot.sandbox.slack.web_api.call import Call, Method, SlackError
from bot.sandbox.slack.web_api.pages import page
from bot.sandbox.slack.web_api.places import user_of
from bot.sandbox.slack.workspace import User, UserGroup


def user_info(parts: Parts, call: Call) -> Json:
    return {"user": _user(user_of(parts, call.required("user", "user_not_found")))}


def list_users(parts: Parts, call: Call) -> Json:
    shown, metadata = page(call, list(parts.workspace.users.values()), default=1_000)
    return {"members": [_user(user) for user in shown], "cache_ts": 0, "response_metadata": metadata}


def list_usergroups(parts: Parts, call: Call) -> Json:
    _refuse_on_free_plan(parts)
    groups = parts.workspace.usergroups.values()
    return {"usergroups": [_usergroup(group, with_users=call.flag("include_users")) for group in groups]}


def list_usergroup_users(parts: Parts, call: Call) -> Json:
    _refuse_on_free_plan(parts)
    group = parts.workspace.usergroups.get(call.required("usergroup"))
    if group is None:
        raise SlackError("no_such_subteam")
    return {"users": list(group.users)}


def _refuse_on_free_plan(parts: Parts) -> None:
    if parts.workspace.settings.plan_upgrade_required:
        raise SlackError("plan_upgrade_required")


def _user(user: User) -> Json:
    shown: Json = {
        "id": user.id, "team_id": user.team_id, "name": user.name, "deleted": user.deleted,
        "profile": {
            "real_name": user.name, "display_name": user.name, "real_name_normalized": user.name,
            "display_name_normalized": user.name, "team": user.team_id,
        },
        "is_bot": user.is_bot, "is_app_user": False, "updated": 0,
    }  # fmt: skip
    if user.id == BOT_USER_ID:
        shown["profile"] |= {"bot_id": BOT_ID, "api_app_id": APP_ID}
    if user.is_stranger:
        shown["is_stranger"] = True
    if user.deleted:
        return shown
    return {
        **shown, "real_name": user.name, "tz": "Etc/UTC", "tz_label": "UTC", "tz_offset": 0,
        "is_admin": False, "is_owner": False, "is_primary_owner": False, "is_restricted": user.is_restricted,
        "is_ultra_restricted": False, "is_email_confirmed": True, "who_can_share_contact_card": "EVERYONE",
    }  # fmt: skip


def _usergroup(group: UserGroup, *, with_users: bool) -> Json:
    shown: Json = {
        "id": group.id, "team_id": TEAM_ID, "is_usergroup": True, "is_subteam": True, "name": group.name,
        "handle": group.name, "description": "", "is_external": False, "date_create": 0, "date_update": 0,
        "date_delete": 0, "auto_type": None, "created_by": "U0ADMIN", "updated_by": "U0ADMIN", "deleted_by": None,
        "user_count": len(group.users),
    }  # fmt: skip
    return {**shown, "users": list(group.users)} if with_users else shown


METHODS = {
    "users.info": Method(user_info, ("users:read",)),
    "users.list": Method(list_users, ("users:read",)),
    "usergroups.list": Method(list_usergroups, ("usergroups:read",)),
    "usergroups.users.list": Method(list_usergroup_users, ("usergroups:read",)),
}
