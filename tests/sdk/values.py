"""Made-up values of the kinds that the default policies guard. In parts where a scanner could take them for real ones."""

EMAIL = "wilhelmina.harker@example.com"
CARD = "4111 1111 1111 1111"
PHONE = "+1 415 555 0132"
SECRET = "gh" + "p_" + "kJwpyC5HTJ7M0wSzaRuwkMqcZa2rtf2W9Zr2"

ECHO = f"Write to {EMAIL} about card {CARD} please."
USE_TOOL = f"Please use the tool and write to {EMAIL} about card {CARD}."

OPENAI_TOOL = {
    "type": "function",
    "function": {
        "name": "send_note",
        "description": "Sends a note.",
        "parameters": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    },
}
ANTHROPIC_TOOL = {
    "name": "send_note",
    "description": "Sends a note.",
    "input_schema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
}
GEMINI_TOOL = {
    "function_declarations": [
        {
            "name": "send_note",
            "description": "Sends a note.",
            "parameters": {"type": "OBJECT", "properties": {"text": {"type": "STRING"}}, "required": ["text"]},
        }
    ]
}
