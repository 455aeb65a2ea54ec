"""Gets an API key from a RAGFlow server: registers, signs in, asks for a key.

The calls are those of a published example; only the constants below change.
"""

import requests

HOST_ADDRESS = "http://127.0.0.1:9380"
EMAIL = "user@acme.example"
PASSWORD = "123"


def register():
    url = HOST_ADDRESS + "/v1/user/register"
    register_data = {
        "email": EMAIL,
        "nickname": "user",
        "password": PASSWORD
    }
    response = requests.post(url=url, json=register_data)
    result = response.json()
    if result.get("code") != 0:
        raise Exception(result.get("message"))


def login():
    url = HOST_ADDRESS + "/v1/user/login"
    login_data = {"email": EMAIL, "password": PASSWORD}
    response = requests.post(url=url, json=login_data)
    result = response.json()
    if result.get("code") != 0:
        raise Exception(result.get("message"))
    return response.headers["Authorization"]


def get_api_key():
    try:
        register()
    except Exception as e:
        print(f"register: {e}")

    auth_token = login()

    url = HOST_ADDRESS + "/v1/system/new_token"
    headers = {"Authorization": auth_token}
    response = requests.post(url=url, headers=headers)
    result = response.json()

    if result.get("code") != 0:
        raise Exception(result.get("message"))

    return result["data"].get("token")


if __name__ == "__main__":
    print(get_api_key())
