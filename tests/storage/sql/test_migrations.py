"""Every schema that was ever released becomes today's, with what is in it; a later one is refused."""

import asyncio
import sqlite3
import sys
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

from potluck.core.errors import OperatorError
from potluck.core.model import RequestId, UserId
from potluck.core.people import OWNER_ID, Role
from potluck.storage.open import open_storage, sqlite_url
from potluck.storage.records import ConversationId
from potluck.storage.sql.migrate import alembic_config, upgrade
from potluck.storage.sql.schema import HEAD, REVISIONS, metadata
from potluck.storage.sql.word_index import INDEX_TABLES

# For each revision, rows as that version wrote them. A new revision adds its own entry; none is ever changed.
ROWS = {
    "0001": """
        INSERT INTO api_keys VALUES ('k1', 'laptop', 'pk-abc', x'00ff', 1, 1.5, NULL, 2.5);
        INSERT INTO conversations VALUES ('c1', 'k1', 'Äpfel', 'äpfel', 'chat', 1.5, 2.5, 2);
        INSERT INTO messages VALUES ('m1', 'c1', 1, NULL, 2.0, 'user', '{"parts":[{"type":"text","text":"hi"}]}', 'hi',
            'complete', NULL, NULL, NULL, NULL, NULL, NULL, '');
        INSERT INTO messages VALUES ('m2', 'c1', 2, 'm1', 2.5, 'assistant', '{"parts":[{"type":"text","text":"yo"}]}',
            'yo', 'interrupted', 'llama', 'agx0', 'r1', 'length', 3, 4, 'cut');
        INSERT INTO requests VALUES ('r1', 2.0, 'k1', 'native', 'chat', 'chat', 'llama', 'agx0', 'agx0/ollama:11434',
            'ok', 200, '[{"engine":"agx0/ollama:11434","outcome":"ok","why":""}]', '[]', 0.1, 0.2, 0.3, 3, 4, 0, 0, '');
        INSERT INTO settings VALUES ('theme', '"dark"', 2.0);
    """,
    "0002": """
        INSERT INTO api_keys VALUES ('k1', 'laptop', 'pk-abc', x'00ff', 1, 1.5, NULL, 2.5);
        INSERT INTO conversations VALUES ('c1', 'k1', 'Äpfel', 'äpfel', 'chat', 1.5, 2.5, 2);
        INSERT INTO messages VALUES ('m1', 'c1', 1, NULL, 2.0, 'user', '{"parts":[{"type":"text","text":"hi"}]}', 'hi',
            'complete', NULL, NULL, NULL, NULL, NULL, NULL, '');
        INSERT INTO messages VALUES ('m2', 'c1', 2, 'm1', 2.5, 'assistant', '{"parts":[{"type":"text","text":"yo"}]}',
            'yo', 'interrupted', 'llama', 'agx0', 'r1', 'length', 3, 4, 'cut');
        INSERT INTO requests VALUES ('r1', 2.0, 'k1', 'native', 'chat', 'auto', 'llama', 'agx0', 'agx0/ollama:11434',
            'ok', 200, '[{"engine":"agx0/ollama:11434","outcome":"ok","why":""}]', '[]', 0.1, 0.2, 0.3, 3, 4, 0, 0, '',
            'code: route chat');
        INSERT INTO settings VALUES ('theme', '"dark"', 2.0);
    """,
    "0003": """
        INSERT INTO users VALUES ('owner', 'owner', 'owner', 'owner', 1.5, NULL);
        INSERT INTO api_keys VALUES ('k1', 'laptop', 'pk-abc', x'00ff', 1, 1.5, NULL, 2.5, 'owner');
        INSERT INTO conversations VALUES ('c1', 'owner', 'Äpfel', 'äpfel', 'chat', 1.5, 2.5, 2);
        INSERT INTO messages VALUES ('m1', 'c1', 1, NULL, 2.0, 'user', '{"parts":[{"type":"text","text":"hi"}]}', 'hi',
            'complete', NULL, NULL, NULL, NULL, NULL, NULL, '');
        INSERT INTO messages VALUES ('m2', 'c1', 2, 'm1', 2.5, 'assistant', '{"parts":[{"type":"text","text":"yo"}]}',
            'yo', 'interrupted', 'llama', 'agx0', 'r1', 'length', 3, 4, 'cut');
        INSERT INTO requests VALUES ('r1', 2.0, 'k1', 'native', 'chat', 'auto', 'llama', 'agx0', 'agx0/ollama:11434',
            'ok', 200, '[{"engine":"agx0/ollama:11434","outcome":"ok","why":""}]', '[]', 0.1, 0.2, 0.3, 3, 4, 0, 0, '',
            'code: route chat', 'owner');
        INSERT INTO settings VALUES ('theme', '"dark"', 2.0);
    """,
    "0004": """
        INSERT INTO users VALUES ('owner', 'owner', 'owner', 'owner', 1.5, NULL);
        INSERT INTO api_keys VALUES ('k1', 'laptop', 'pk-abc', x'00ff', 1, 1.5, NULL, 2.5, 'owner', 9.5,
            '["openai"]', NULL);
        INSERT INTO conversations VALUES ('c1', 'owner', 'Äpfel', 'äpfel', 'chat', 1.5, 2.5, 2);
        INSERT INTO messages VALUES ('m1', 'c1', 1, NULL, 2.0, 'user', '{"parts":[{"type":"text","text":"hi"}]}', 'hi',
            'complete', NULL, NULL, NULL, NULL, NULL, NULL, '');
        INSERT INTO messages VALUES ('m2', 'c1', 2, 'm1', 2.5, 'assistant', '{"parts":[{"type":"text","text":"yo"}]}',
            'yo', 'interrupted', 'llama', 'agx0', 'r1', 'length', 3, 4, 'cut');
        INSERT INTO requests VALUES ('r1', 2.0, 'k1', 'native', 'chat', 'auto', 'llama', 'agx0', 'agx0/ollama:11434',
            'ok', 200, '[{"engine":"agx0/ollama:11434","outcome":"ok","why":""}]', '[]', 0.1, 0.2, 0.3, 3, 4, 0, 0, '',
            'code: route chat', 'owner');
        INSERT INTO settings VALUES ('theme', '"dark"', 2.0);
    """,
    "0005": """
        INSERT INTO users VALUES ('owner', 'owner', 'owner', 'owner', 1.5, NULL);
        INSERT INTO api_keys VALUES ('k1', 'laptop', 'pk-abc', x'00ff', 1, 1.5, NULL, 2.5, 'owner', 9.5,
            '["openai"]', NULL);
        INSERT INTO sessions VALUES ('s1', 'owner', 'k1', x'0a', 'Browser/1.0', 1.5, 2.5);
        INSERT INTO conversations VALUES ('c1', 'owner', 'Äpfel', 'äpfel', 'chat', 1.5, 2.5, 2);
        INSERT INTO messages VALUES ('m1', 'c1', 1, NULL, 2.0, 'user', '{"parts":[{"type":"text","text":"hi"}]}', 'hi',
            'complete', NULL, NULL, NULL, NULL, NULL, NULL, '');
        INSERT INTO messages VALUES ('m2', 'c1', 2, 'm1', 2.5, 'assistant', '{"parts":[{"type":"text","text":"yo"}]}',
            'yo', 'interrupted', 'llama', 'agx0', 'r1', 'length', 3, 4, 'cut');
        INSERT INTO requests VALUES ('r1', 2.0, 'k1', 'native', 'chat', 'auto', 'llama', 'agx0', 'agx0/ollama:11434',
            'ok', 200, '[{"engine":"agx0/ollama:11434","outcome":"ok","why":""}]', '[]', 0.1, 0.2, 0.3, 3, 4, 0, 0, '',
            'code: route chat', 'owner');
        INSERT INTO settings VALUES ('theme', '"dark"', 2.0);
    """,
    "0006": """
        INSERT INTO users VALUES ('owner', 'owner', 'owner', 'owner', 1.5, NULL);
        INSERT INTO api_keys VALUES ('k1', 'laptop', 'pk-abc', x'00ff', 1, 1.5, NULL, 2.5, 'owner', 9.5,
            '["openai"]', NULL);
        INSERT INTO sessions VALUES ('s1', 'owner', 'k1', x'0a', 'Browser/1.0', 1.5, 2.5);
        INSERT INTO conversations VALUES ('c1', 'owner', 'Äpfel', 'äpfel', 'chat', 1.5, 2.5, 2);
        INSERT INTO messages VALUES ('m1', 'c1', 1, NULL, 2.0, 'user', '{"parts":[{"type":"text","text":"hi"}]}', 'hi',
            'complete', NULL, NULL, NULL, NULL, NULL, NULL, '');
        INSERT INTO messages VALUES ('m2', 'c1', 2, 'm1', 2.5, 'assistant', '{"parts":[{"type":"text","text":"yo"}]}',
            'yo', 'interrupted', 'llama', 'agx0', 'r1', 'length', 3, 4, 'cut');
        INSERT INTO requests VALUES ('r1', 2.0, 'k1', 'native', 'chat', 'auto', 'llama', 'agx0', 'agx0/ollama:11434',
            'ok', 200, '[{"engine":"agx0/ollama:11434","outcome":"ok","why":""}]', '[]', 0.1, 0.2, 0.3, 3, 4, 0, 0, '',
            'code: route chat', 'owner');
        INSERT INTO settings VALUES ('theme', '"dark"', 2.0);
        INSERT INTO audit_log VALUES (1, 1500, 'f1', 'user.made', 'owner', 'owner', 'pk-abc', '10.0.0.1', 'anna',
            '{"role":"member"}', '00', 'ff');
    """,
    "0007": """
        INSERT INTO users VALUES ('owner', 'owner', 'owner', 'owner', 1.5, NULL);
        INSERT INTO api_keys VALUES ('k1', 'laptop', 'pk-abc', x'00ff', 1, 1.5, NULL, 2.5, 'owner', 9.5,
            '["openai"]', NULL);
        INSERT INTO sessions VALUES ('s1', 'owner', 'k1', x'0a', 'Browser/1.0', 1.5, 2.5);
        INSERT INTO passwords VALUES ('owner', '$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA', 2.5);
        INSERT INTO second_factors VALUES ('owner', x'0b', 1.5, 2.5, 7);
        INSERT INTO recovery_codes VALUES ('owner', x'0c');
        INSERT INTO links VALUES ('l1', 'invite', x'0d', 'owner', 1.5, 9.5, '', 'guest', 'Anna');
        INSERT INTO conversations VALUES ('c1', 'owner', 'Äpfel', 'äpfel', 'chat', 1.5, 2.5, 2);
        INSERT INTO messages VALUES ('m1', 'c1', 1, NULL, 2.0, 'user', '{"parts":[{"type":"text","text":"hi"}]}', 'hi',
            'complete', NULL, NULL, NULL, NULL, NULL, NULL, '');
        INSERT INTO messages VALUES ('m2', 'c1', 2, 'm1', 2.5, 'assistant', '{"parts":[{"type":"text","text":"yo"}]}',
            'yo', 'interrupted', 'llama', 'agx0', 'r1', 'length', 3, 4, 'cut');
        INSERT INTO requests VALUES ('r1', 2.0, 'k1', 'native', 'chat', 'auto', 'llama', 'agx0', 'agx0/ollama:11434',
            'ok', 200, '[{"engine":"agx0/ollama:11434","outcome":"ok","why":""}]', '[]', 0.1, 0.2, 0.3, 3, 4, 0, 0, '',
            'code: route chat', 'owner');
        INSERT INTO settings VALUES ('theme', '"dark"', 2.0);
        INSERT INTO audit_log VALUES (1, 1500, 'f1', 'user.made', 'owner', 'owner', 'pk-abc', '10.0.0.1', 'anna',
            '{"role":"member"}', '00', 'ff');
    """,
    "0008": """
        INSERT INTO users VALUES ('owner', 'owner', 'owner', 'owner', 1.5, NULL);
        INSERT INTO api_keys VALUES ('k1', 'laptop', 'pk-abc', x'00ff', 1, 1.5, NULL, 2.5, 'owner', 9.5,
            '["openai"]', NULL);
        INSERT INTO sessions VALUES ('s1', 'owner', 'k1', x'0a', 'Browser/1.0', 1.5, 2.5);
        INSERT INTO passwords VALUES ('owner', '$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA', 2.5);
        INSERT INTO second_factors VALUES ('owner', x'0b', 1.5, 2.5, 7);
        INSERT INTO recovery_codes VALUES ('owner', x'0c');
        INSERT INTO links VALUES ('l1', 'invite', x'0d', 'owner', 1.5, 9.5, '', 'guest', 'Anna');
        INSERT INTO conversations VALUES ('c1', 'owner', 'Äpfel', 'äpfel', 'chat', 1.5, 2.5, 2);
        INSERT INTO messages VALUES ('m1', 'c1', 1, NULL, 2.0, 'user', '{"parts":[{"type":"text","text":"hi"}]}', 'hi',
            'complete', NULL, NULL, NULL, NULL, NULL, NULL, '');
        INSERT INTO messages VALUES ('m2', 'c1', 2, 'm1', 2.5, 'assistant', '{"parts":[{"type":"text","text":"yo"}]}',
            'yo', 'interrupted', 'llama', 'agx0', 'r1', 'length', 3, 4, 'cut');
        INSERT INTO requests VALUES ('r1', 2.0, 'k1', 'native', 'chat', 'auto', 'llama', 'agx0', 'agx0/ollama:11434',
            'ok', 200, '[{"engine":"agx0/ollama:11434","outcome":"ok","why":""}]', '[]', 0.1, 0.2, 0.3, 3, 4, 0, 0, '',
            'code: route chat', 'owner');
        INSERT INTO settings VALUES ('theme', '"dark"', 2.0);
        INSERT INTO audit_log VALUES (1, 1500, 'f1', 'user.made', 'owner', 'owner', 'pk-abc', '10.0.0.1', 'anna',
            '{"role":"member"}', '00', 'ff');
        INSERT INTO blobs VALUES ('00ff', 5, 1.5, 1.6, NULL, NULL);
        INSERT INTO files VALUES ('f1', 'owner', '00ff', 5, 'a.txt', 'text/plain', 'user_data', 1.5, 1.6, NULL);
    """,
    "0009": """
        INSERT INTO users VALUES ('owner', 'owner', 'owner', 'owner', 1.5, NULL);
        INSERT INTO api_keys VALUES ('k1', 'laptop', 'pk-abc', x'00ff', 1, 1.5, NULL, 2.5, 'owner', 9.5,
            '["openai"]', NULL);
        INSERT INTO sessions VALUES ('s1', 'owner', 'k1', x'0a', 'Browser/1.0', 1.5, 2.5);
        INSERT INTO passwords VALUES ('owner', '$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA', 2.5);
        INSERT INTO second_factors VALUES ('owner', x'0b', 1.5, 2.5, 7);
        INSERT INTO recovery_codes VALUES ('owner', x'0c');
        INSERT INTO links VALUES ('l1', 'invite', x'0d', 'owner', 1.5, 9.5, '', 'guest', 'Anna');
        INSERT INTO identities VALUES ('i1', 'https://id.example', 'sub', 'owner', 'a@example.org', 1.5, 2.5);
        INSERT INTO conversations VALUES ('c1', 'owner', 'Äpfel', 'äpfel', 'chat', 1.5, 2.5, 2);
        INSERT INTO messages VALUES ('m1', 'c1', 1, NULL, 2.0, 'user', '{"parts":[{"type":"text","text":"hi"}]}', 'hi',
            'complete', NULL, NULL, NULL, NULL, NULL, NULL, '');
        INSERT INTO messages VALUES ('m2', 'c1', 2, 'm1', 2.5, 'assistant', '{"parts":[{"type":"text","text":"yo"}]}',
            'yo', 'interrupted', 'llama', 'agx0', 'r1', 'length', 3, 4, 'cut');
        INSERT INTO requests VALUES ('r1', 2.0, 'k1', 'native', 'chat', 'auto', 'llama', 'agx0', 'agx0/ollama:11434',
            'ok', 200, '[{"engine":"agx0/ollama:11434","outcome":"ok","why":""}]', '[]', 0.1, 0.2, 0.3, 3, 4, 0, 0, '',
            'code: route chat', 'owner');
        INSERT INTO settings VALUES ('theme', '"dark"', 2.0);
        INSERT INTO audit_log VALUES (1, 1500, 'f1', 'user.made', 'owner', 'owner', 'pk-abc', '10.0.0.1', 'anna',
            '{"role":"member"}', '00', 'ff');
        INSERT INTO blobs VALUES ('00ff', 5, 1.5, 1.6, NULL, NULL);
        INSERT INTO files VALUES ('f1', 'owner', '00ff', 5, 'a.txt', 'text/plain', 'user_data', 1.5, 1.6, NULL);
    """,
    "0010": """
        INSERT INTO users VALUES ('owner', 'owner', 'owner', 'owner', 1.5, NULL, NULL);
        INSERT INTO api_keys VALUES ('k1', 'laptop', 'pk-abc', x'00ff', 1, 1.5, NULL, 2.5, 'owner', 9.5,
            '["openai"]', NULL, '{"concurrent":2}');
        INSERT INTO sessions VALUES ('s1', 'owner', 'k1', x'0a', 'Browser/1.0', 1.5, 2.5);
        INSERT INTO passwords VALUES ('owner', '$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA', 2.5);
        INSERT INTO second_factors VALUES ('owner', x'0b', 1.5, 2.5, 7);
        INSERT INTO recovery_codes VALUES ('owner', x'0c');
        INSERT INTO links VALUES ('l1', 'invite', x'0d', 'owner', 1.5, 9.5, '', 'guest', 'Anna');
        INSERT INTO identities VALUES ('i1', 'https://id.example', 'sub', 'owner', 'a@example.org', 1.5, 2.5);
        INSERT INTO conversations VALUES ('c1', 'owner', 'Äpfel', 'äpfel', 'chat', 1.5, 2.5, 2);
        INSERT INTO messages VALUES ('m1', 'c1', 1, NULL, 2.0, 'user', '{"parts":[{"type":"text","text":"hi"}]}', 'hi',
            'complete', NULL, NULL, NULL, NULL, NULL, NULL, '');
        INSERT INTO messages VALUES ('m2', 'c1', 2, 'm1', 2.5, 'assistant', '{"parts":[{"type":"text","text":"yo"}]}',
            'yo', 'interrupted', 'llama', 'agx0', 'r1', 'length', 3, 4, 'cut');
        INSERT INTO requests VALUES ('r1', 2.0, 'k1', 'native', 'chat', 'auto', 'llama', 'agx0', 'agx0/ollama:11434',
            'ok', 200, '[{"engine":"agx0/ollama:11434","outcome":"ok","why":""}]', '[]', 0.1, 0.2, 0.3, 3, 4, 0, 0, '',
            'code: route chat', 'owner');
        INSERT INTO settings VALUES ('theme', '"dark"', 2.0);
        INSERT INTO audit_log VALUES (1, 1500, 'f1', 'user.made', 'owner', 'owner', 'pk-abc', '10.0.0.1', 'anna',
            '{"role":"member"}', '00', 'ff');
        INSERT INTO blobs VALUES ('00ff', 5, 1.5, 1.6, NULL, NULL);
        INSERT INTO files VALUES ('f1', 'owner', '00ff', 5, 'a.txt', 'text/plain', 'user_data', 1.5, 1.6, NULL);
    """,
    "0011": """
        INSERT INTO users VALUES ('owner', 'owner', 'owner', 'owner', 1.5, NULL, NULL);
        INSERT INTO api_keys VALUES ('k1', 'laptop', 'pk-abc', x'00ff', 1, 1.5, NULL, 2.5, 'owner', 9.5,
            '["openai"]', NULL, '{"concurrent":2}');
        INSERT INTO sessions VALUES ('s1', 'owner', 'k1', x'0a', 'Browser/1.0', 1.5, 2.5);
        INSERT INTO passwords VALUES ('owner', '$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA', 2.5);
        INSERT INTO second_factors VALUES ('owner', x'0b', 1.5, 2.5, 7);
        INSERT INTO recovery_codes VALUES ('owner', x'0c');
        INSERT INTO links VALUES ('l1', 'invite', x'0d', 'owner', 1.5, 9.5, '', 'guest', 'Anna');
        INSERT INTO identities VALUES ('i1', 'https://id.example', 'sub', 'owner', 'a@example.org', 1.5, 2.5);
        INSERT INTO conversations VALUES ('c1', 'owner', 'Äpfel', 'äpfel', 'chat', 1.5, 2.5, 2);
        INSERT INTO messages VALUES ('m1', 'c1', 1, NULL, 2.0, 'user', '{"parts":[{"type":"text","text":"hi"}]}', 'hi',
            'complete', NULL, NULL, NULL, NULL, NULL, NULL, '');
        INSERT INTO messages VALUES ('m2', 'c1', 2, 'm1', 2.5, 'assistant', '{"parts":[{"type":"text","text":"yo"}]}',
            'yo', 'interrupted', 'llama', 'agx0', 'r1', 'length', 3, 4, 'cut');
        INSERT INTO requests VALUES ('r1', 2.0, 'k1', 'native', 'chat', 'auto', 'llama', 'agx0', 'agx0/ollama:11434',
            'ok', 200, '[{"engine":"agx0/ollama:11434","outcome":"ok","why":""}]', '[]', 0.1, 0.2, 0.3, 3, 4, 0, 0, '',
            'code: route chat', 'owner');
        INSERT INTO settings VALUES ('theme', '"dark"', 2.0);
        INSERT INTO audit_log VALUES (1, 1500, 'f1', 'user.made', 'owner', 'owner', 'pk-abc', '10.0.0.1', 'anna',
            '{"role":"member"}', '00', 'ff');
        INSERT INTO blobs VALUES ('00ff', 5, 1.5, 1.6, NULL, NULL);
        INSERT INTO files VALUES ('f1', 'owner', '00ff', 5, 'a.txt', 'text/plain', 'user_data', 1.5, 1.6, NULL);
        INSERT INTO jobs VALUES ('j1', 'owner', 'k1', 'chat', 'Chapters', 1, '[]', 'once', 'running', 1.5, 2.5, NULL,
            0.0, 1, 0, 'gateway', 2, 7, 0, 1, 2, 3, NULL);
        INSERT INTO job_parts VALUES ('j1', 0, '{"index":0}');
        INSERT INTO job_events VALUES ('j1', 3, 2.5, 'progress', '{}');
    """,
    "0012": """
        INSERT INTO users VALUES ('owner', 'owner', 'owner', 'owner', 1.5, NULL, NULL);
        INSERT INTO api_keys VALUES ('k1', 'laptop', 'pk-abc', x'00ff', 1, 1.5, NULL, 2.5, 'owner', 9.5,
            '["openai"]', NULL, '{"concurrent":2}');
        INSERT INTO sessions VALUES ('s1', 'owner', 'k1', x'0a', 'Browser/1.0', 1.5, 2.5);
        INSERT INTO passwords VALUES ('owner', '$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA', 2.5);
        INSERT INTO second_factors VALUES ('owner', x'0b', 1.5, 2.5, 7);
        INSERT INTO recovery_codes VALUES ('owner', x'0c');
        INSERT INTO links VALUES ('l1', 'invite', x'0d', 'owner', 1.5, 9.5, '', 'guest', 'Anna');
        INSERT INTO identities VALUES ('i1', 'https://id.example', 'sub', 'owner', 'a@example.org', 1.5, 2.5);
        INSERT INTO conversations VALUES ('c1', 'owner', 'Äpfel', 'äpfel', 'chat', 1.5, 2.5, 2);
        INSERT INTO messages VALUES ('m1', 'c1', 1, NULL, 2.0, 'user', '{"parts":[{"type":"text","text":"hi"}]}', 'hi',
            'complete', NULL, NULL, NULL, NULL, NULL, NULL, '');
        INSERT INTO messages VALUES ('m2', 'c1', 2, 'm1', 2.5, 'assistant', '{"parts":[{"type":"text","text":"yo"}]}',
            'yo', 'interrupted', 'llama', 'agx0', 'r1', 'length', 3, 4, 'cut');
        INSERT INTO requests VALUES ('r1', 2.0, 'k1', 'native', 'chat', 'auto', 'llama', 'agx0', 'agx0/ollama:11434',
            'ok', 200, '[{"engine":"agx0/ollama:11434","outcome":"ok","why":""}]', '[]', 0.1, 0.2, 0.3, 3, 4, 0, 0, '',
            'code: route chat', 'owner');
        INSERT INTO settings VALUES ('theme', '"dark"', 2.0);
        INSERT INTO audit_log VALUES (1, 1500, 'f1', 'user.made', 'owner', 'owner', 'pk-abc', '10.0.0.1', 'anna',
            '{"role":"member"}', '00', 'ff');
        INSERT INTO blobs VALUES ('00ff', 5, 1.5, 1.6, NULL, NULL);
        INSERT INTO files VALUES ('f1', 'owner', '00ff', 5, 'a.txt', 'text/plain', 'user_data', 1.5, 1.6, NULL);
        INSERT INTO jobs VALUES ('j1', 'owner', 'k1', 'chat', 'Chapters', 1, '[]', 'once', 'running', 1.5, 2.5, NULL,
            0.0, 1, 0, 'gateway', 2, 7, 0, 1, 2, 3, NULL);
        INSERT INTO job_parts VALUES ('j1', 0, '{"index":0}');
        INSERT INTO job_events VALUES ('j1', 3, 2.5, 'progress', '{}');
        INSERT INTO leadership VALUES (1, 'g1', 'http://a', 1, 2, 'secret');
        INSERT INTO gateways VALUES ('g1', 'a', 'http://a', 3, '[]');
        INSERT INTO generations VALUES ('m2', 1, '{}', 0, 1, 2, 2.5);
        INSERT INTO generation_entries VALUES ('m2', 0, '[]');
    """,
    "0013": """
        INSERT INTO users VALUES ('owner', 'owner', 'owner', 'owner', 1.5, NULL, NULL);
        INSERT INTO api_keys VALUES ('k1', 'laptop', 'pk-abc', x'00ff', 1, 1.5, NULL, 2.5, 'owner', 9.5,
            '["openai"]', NULL, '{"concurrent":2}');
        INSERT INTO sessions VALUES ('s1', 'owner', 'k1', x'0a', 'Browser/1.0', 1.5, 2.5);
        INSERT INTO passwords VALUES ('owner', '$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA', 2.5);
        INSERT INTO second_factors VALUES ('owner', x'0b', 1.5, 2.5, 7);
        INSERT INTO recovery_codes VALUES ('owner', x'0c');
        INSERT INTO links VALUES ('l1', 'invite', x'0d', 'owner', 1.5, 9.5, '', 'guest', 'Anna');
        INSERT INTO identities VALUES ('i1', 'https://id.example', 'sub', 'owner', 'a@example.org', 1.5, 2.5);
        INSERT INTO conversations VALUES ('c1', 'owner', 'Äpfel', 'äpfel', 'chat', 1.5, 2.5, 2);
        INSERT INTO messages VALUES ('m1', 'c1', 1, NULL, 2.0, 'user', '{"parts":[{"type":"text","text":"hi"}]}', 'hi',
            'complete', NULL, NULL, NULL, NULL, NULL, NULL, '');
        INSERT INTO messages VALUES ('m2', 'c1', 2, 'm1', 2.5, 'assistant', '{"parts":[{"type":"text","text":"yo"}]}',
            'yo', 'interrupted', 'llama', 'agx0', 'r1', 'length', 3, 4, 'cut');
        INSERT INTO requests VALUES ('r1', 2.0, 'k1', 'native', 'chat', 'auto', 'llama', 'agx0', 'agx0/ollama:11434',
            'ok', 200, '[{"engine":"agx0/ollama:11434","outcome":"ok","why":""}]', '[]', 0.1, 0.2, 0.3, 3, 4, 0, 0, '',
            'code: route chat', 'owner');
        INSERT INTO settings VALUES ('theme', '"dark"', 2.0);
        INSERT INTO audit_log VALUES (1, 1500, 'f1', 'user.made', 'owner', 'owner', 'pk-abc', '10.0.0.1', 'anna',
            '{"role":"member"}', '00', 'ff');
        INSERT INTO blobs VALUES ('00ff', 5, 1.5, 1.6, NULL, NULL);
        INSERT INTO files VALUES ('f1', 'owner', '00ff', 5, 'a.txt', 'text/plain', 'user_data', 1.5, 1.6, NULL);
        INSERT INTO jobs VALUES ('j1', 'owner', 'k1', 'chat', 'Chapters', 1, '[]', 'once', 'running', 1.5, 2.5, NULL,
            0.0, 1, 0, 'gateway', 2, 7, 0, 1, 2, 3, NULL);
        INSERT INTO job_parts VALUES ('j1', 0, '{"index":0}');
        INSERT INTO job_events VALUES ('j1', 3, 2.5, 'progress', '{}');
        INSERT INTO leadership VALUES (1, 'g1', 'http://a', 1, 2, 'secret');
        INSERT INTO gateways VALUES ('g1', 'a', 'http://a', 3, '[]');
        INSERT INTO generations VALUES ('m2', 1, '{}', 0, 1, 2, 2.5);
        INSERT INTO generation_entries VALUES ('m2', 0, '[]');
        INSERT INTO usage VALUES ('2026-11-26', 'owner', 'k1', 'llama', 'agx0', 1, 0, 3, 4, 0, 0, 0.2, NULL);
    """,
    "0014": """
        INSERT INTO users VALUES ('owner', 'owner', 'owner', 'owner', 1.5, NULL, NULL);
        INSERT INTO api_keys VALUES ('k1', 'laptop', 'pk-abc', x'00ff', 1, 1.5, NULL, 2.5, 'owner', 9.5,
            '["openai"]', NULL, '{"concurrent":2}');
        INSERT INTO sessions VALUES ('s1', 'owner', 'k1', x'0a', 'Browser/1.0', 1.5, 2.5);
        INSERT INTO passwords VALUES ('owner', '$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA', 2.5);
        INSERT INTO second_factors VALUES ('owner', x'0b', 1.5, 2.5, 7);
        INSERT INTO recovery_codes VALUES ('owner', x'0c');
        INSERT INTO links VALUES ('l1', 'invite', x'0d', 'owner', 1.5, 9.5, '', 'guest', 'Anna');
        INSERT INTO identities VALUES ('i1', 'https://id.example', 'sub', 'owner', 'a@example.org', 1.5, 2.5);
        INSERT INTO conversations VALUES ('c1', 'owner', 'Äpfel', 'äpfel', 'chat', 1.5, 2.5, 2);
        INSERT INTO messages VALUES ('m1', 'c1', 1, NULL, 2.0, 'user', '{"parts":[{"type":"text","text":"hi"}]}', 'hi',
            'complete', NULL, NULL, NULL, NULL, NULL, NULL, '');
        INSERT INTO messages VALUES ('m2', 'c1', 2, 'm1', 2.5, 'assistant', '{"parts":[{"type":"text","text":"yo"}]}',
            'yo', 'interrupted', 'llama', 'agx0', 'r1', 'length', 3, 4, 'cut');
        INSERT INTO requests VALUES ('r1', 2.0, 'k1', 'native', 'chat', 'auto', 'llama', 'agx0', 'agx0/ollama:11434',
            'ok', 200, '[{"engine":"agx0/ollama:11434","outcome":"ok","why":""}]', '[]', 0.1, 0.2, 0.3, 3, 4, 0, 0, '',
            'code: route chat', 'owner');
        INSERT INTO settings VALUES ('theme', '"dark"', 2.0);
        INSERT INTO audit_log VALUES (1, 1500, 'f1', 'user.made', 'owner', 'owner', 'pk-abc', '10.0.0.1', 'anna',
            '{"role":"member"}', '00', 'ff');
        INSERT INTO blobs VALUES ('00ff', 5, 1.5, 1.6, NULL, NULL);
        INSERT INTO files VALUES ('f1', 'owner', '00ff', 5, 'a.txt', 'text/plain', 'user_data', 1.5, 1.6, NULL);
        INSERT INTO jobs VALUES ('j1', 'owner', 'k1', 'chat', 'Chapters', 1, '[]', 'once', 'running', 1.5, 2.5, NULL,
            0.0, 1, 0, 'gateway', 2, 7, 0, 1, 2, 3, NULL);
        INSERT INTO job_parts VALUES ('j1', 0, '{"index":0}');
        INSERT INTO job_events VALUES ('j1', 3, 2.5, 'progress', '{}');
        INSERT INTO leadership VALUES (1, 'g1', 'http://a', 1, 2, 'secret');
        INSERT INTO gateways VALUES ('g1', 'a', 'http://a', 3, '[]');
        INSERT INTO generations VALUES ('m2', 1, '{}', 0, 1, 2, 2.5);
        INSERT INTO generation_entries VALUES ('m2', 0, '[]');
        INSERT INTO usage VALUES ('2026-11-26', 'owner', 'k1', 'llama', 'agx0', 1, 0, 3, 4, 0, 0, 0.2, NULL);
        INSERT INTO pictures VALUES ('p1', 'owner', 'j1', 'f1', NULL, NULL, '00ff', 5, 'image/png', 64, 64, 2.5,
            'txt2img', 'A fox', 'a fox', '', '{}', 'sdxl', 'abc', 'comfyui', 'orin0', 3.5, '42', 1, NULL);
        INSERT INTO picture_tags VALUES ('p1', 'best', 'Best');
    """,
    "0015": """
        INSERT INTO users VALUES ('owner', 'owner', 'owner', 'owner', 1.5, NULL, NULL);
        INSERT INTO api_keys VALUES ('k1', 'laptop', 'pk-abc', x'00ff', 1, 1.5, NULL, 2.5, 'owner', 9.5,
            '["openai"]', NULL, '{"concurrent":2}');
        INSERT INTO sessions VALUES ('s1', 'owner', 'k1', x'0a', 'Browser/1.0', 1.5, 2.5);
        INSERT INTO passwords VALUES ('owner', '$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA', 2.5);
        INSERT INTO second_factors VALUES ('owner', x'0b', 1.5, 2.5, 7);
        INSERT INTO recovery_codes VALUES ('owner', x'0c');
        INSERT INTO links VALUES ('l1', 'invite', x'0d', 'owner', 1.5, 9.5, '', 'guest', 'Anna');
        INSERT INTO identities VALUES ('i1', 'https://id.example', 'sub', 'owner', 'a@example.org', 1.5, 2.5);
        INSERT INTO conversations VALUES ('c1', 'owner', 'Äpfel', 'äpfel', 'chat', 1.5, 2.5, 3, 1, 'm2', 3.5, NULL,
            NULL, '["fruit"]', 'Be brief.', '{"seed":7}', 'person');
        INSERT INTO messages VALUES ('m1', 'c1', 1, NULL, 2.0, 'user', '{"parts":[{"type":"text","text":"hi"}]}', 'hi',
            'complete', NULL, NULL, NULL, NULL, NULL, NULL, '', NULL);
        INSERT INTO messages VALUES ('m2', 'c1', 2, 'm1', 2.5, 'assistant', '{"parts":[{"type":"text","text":"yo"}]}',
            'yo', 'interrupted', 'llama', 'agx0', 'r1', 'length', 3, 4, 'cut', '{"first_token_s":0.5}');
        INSERT INTO requests VALUES ('r1', 2.0, 'k1', 'native', 'chat', 'auto', 'llama', 'agx0', 'agx0/ollama:11434',
            'ok', 200, '[{"engine":"agx0/ollama:11434","outcome":"ok","why":""}]', '[]', 0.1, 0.2, 0.3, 3, 4, 0, 0, '',
            'code: route chat', 'owner');
        INSERT INTO settings VALUES ('theme', '"dark"', 2.0);
        INSERT INTO audit_log VALUES (1, 1500, 'f1', 'user.made', 'owner', 'owner', 'pk-abc', '10.0.0.1', 'anna',
            '{"role":"member"}', '00', 'ff');
        INSERT INTO blobs VALUES ('00ff', 5, 1.5, 1.6, NULL, NULL);
        INSERT INTO files VALUES ('f1', 'owner', '00ff', 5, 'a.txt', 'text/plain', 'user_data', 1.5, 1.6, NULL);
        INSERT INTO jobs VALUES ('j1', 'owner', 'k1', 'chat', 'Chapters', 1, '[]', 'once', 'running', 1.5, 2.5, NULL,
            0.0, 1, 0, 'gateway', 2, 7, 0, 1, 2, 3, NULL);
        INSERT INTO job_parts VALUES ('j1', 0, '{"index":0}');
        INSERT INTO job_events VALUES ('j1', 3, 2.5, 'progress', '{}');
        INSERT INTO leadership VALUES (1, 'g1', 'http://a', 1, 2, 'secret');
        INSERT INTO gateways VALUES ('g1', 'a', 'http://a', 3, '[]');
        INSERT INTO generations VALUES ('m2', 1, '{}', 0, 1, 2, 2.5);
        INSERT INTO generation_entries VALUES ('m2', 0, '[]');
        INSERT INTO usage VALUES ('2026-11-26', 'owner', 'k1', 'llama', 'agx0', 1, 0, 3, 4, 0, 0, 0.2, NULL);
        INSERT INTO pictures VALUES ('p1', 'owner', 'j1', 'f1', NULL, NULL, '00ff', 5, 'image/png', 64, 64, 2.5,
            'txt2img', 'A fox', 'a fox', '', '{}', 'sdxl', 'abc', 'comfyui', 'orin0', 3.5, '42', 1, NULL);
        INSERT INTO picture_tags VALUES ('p1', 'best', 'Best');
    """,
    "0016": """
        INSERT INTO users VALUES ('owner', 'owner', 'owner', 'owner', 1.5, NULL, NULL);
        INSERT INTO api_keys VALUES ('k1', 'laptop', 'pk-abc', x'00ff', 1, 1.5, NULL, 2.5, 'owner', 9.5,
            '["openai"]', NULL, '{"concurrent":2}');
        INSERT INTO sessions VALUES ('s1', 'owner', 'k1', x'0a', 'Browser/1.0', 1.5, 2.5);
        INSERT INTO passwords VALUES ('owner', '$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA', 2.5);
        INSERT INTO second_factors VALUES ('owner', x'0b', 1.5, 2.5, 7);
        INSERT INTO recovery_codes VALUES ('owner', x'0c');
        INSERT INTO links VALUES ('l1', 'invite', x'0d', 'owner', 1.5, 9.5, '', 'guest', 'Anna');
        INSERT INTO identities VALUES ('i1', 'https://id.example', 'sub', 'owner', 'a@example.org', 1.5, 2.5);
        INSERT INTO conversations VALUES ('c1', 'owner', 'Äpfel', 'äpfel', 'chat', 1.5, 2.5, 3, 1, 'm2', 3.5, NULL,
            NULL, '["fruit"]', 'Be brief.', '{"seed":7}', 'person');
        INSERT INTO messages VALUES ('m1', 'c1', 1, NULL, 2.0, 'user', '{"parts":[{"type":"text","text":"hi"}]}', 'hi',
            'complete', NULL, NULL, NULL, NULL, NULL, NULL, '', NULL);
        INSERT INTO messages VALUES ('m2', 'c1', 2, 'm1', 2.5, 'assistant', '{"parts":[{"type":"text","text":"yo"}]}',
            'yo', 'interrupted', 'llama', 'agx0', 'r1', 'length', 3, 4, 'cut', '{"first_token_s":0.5}');
        INSERT INTO requests VALUES ('r1', 2.0, 'k1', 'native', 'chat', 'auto', 'llama', 'agx0', 'agx0/ollama:11434',
            'ok', 200, '[{"engine":"agx0/ollama:11434","outcome":"ok","why":""}]', '[]', 0.1, 0.2, 0.3, 3, 4, 0, 0, '',
            'code: route chat', 'owner');
        INSERT INTO settings VALUES ('theme', '"dark"', 2.0);
        INSERT INTO audit_log VALUES (1, 1500, 'f1', 'user.made', 'owner', 'owner', 'pk-abc', '10.0.0.1', 'anna',
            '{"role":"member"}', '00', 'ff');
        INSERT INTO blobs VALUES ('00ff', 5, 1.5, 1.6, NULL, NULL);
        INSERT INTO files VALUES ('f1', 'owner', '00ff', 5, 'a.txt', 'text/plain', 'user_data', 1.5, 1.6, NULL);
        INSERT INTO jobs VALUES ('j1', 'owner', 'k1', 'chat', 'Chapters', 1, '[]', 'once', 'running', 1.5, 2.5, NULL,
            0.0, 1, 0, 'gateway', 2, 7, 0, 1, 2, 3, NULL);
        INSERT INTO job_parts VALUES ('j1', 0, '{"index":0}');
        INSERT INTO job_events VALUES ('j1', 3, 2.5, 'progress', '{}');
        INSERT INTO leadership VALUES (1, 'g1', 'http://a', 1, 2, 'secret');
        INSERT INTO gateways VALUES ('g1', 'a', 'http://a', 3, '[]');
        INSERT INTO generations VALUES ('m2', 1, '{}', 0, 1, 2, 2.5);
        INSERT INTO generation_entries VALUES ('m2', 0, '[]');
        INSERT INTO usage VALUES ('2026-11-26', 'owner', 'k1', 'llama', 'agx0', 1, 0, 3, 4, 0, 0, 0.2, NULL);
        INSERT INTO pictures VALUES ('p1', 'owner', 'j1', 'f1', NULL, NULL, '00ff', 5, 'image/png', 64, 64, 2.5,
            'txt2img', 'A fox', 'a fox', '', '{}', 'sdxl', 'abc', 'comfyui', 'orin0', 3.5, '42', 1, NULL);
        INSERT INTO picture_tags VALUES ('p1', 'best', 'Best');
        INSERT INTO incidents VALUES ('n1', 'node_down', 'agx0', '', 2.5, NULL, 'refused', 1, '[]');
    """,
    "0017": """
        INSERT INTO users VALUES ('owner', 'owner', 'owner', 'owner', 1.5, NULL, NULL);
        INSERT INTO api_keys VALUES ('k1', 'laptop', 'pk-abc', x'00ff', 1, 1.5, NULL, 2.5, 'owner', 9.5,
            '["openai"]', NULL, '{"concurrent":2}');
        INSERT INTO sessions VALUES ('s1', 'owner', 'k1', x'0a', 'Browser/1.0', 1.5, 2.5);
        INSERT INTO passwords VALUES ('owner', '$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA', 2.5);
        INSERT INTO second_factors VALUES ('owner', x'0b', 1.5, 2.5, 7);
        INSERT INTO recovery_codes VALUES ('owner', x'0c');
        INSERT INTO links VALUES ('l1', 'invite', x'0d', 'owner', 1.5, 9.5, '', 'guest', 'Anna');
        INSERT INTO identities VALUES ('i1', 'https://id.example', 'sub', 'owner', 'a@example.org', 1.5, 2.5);
        INSERT INTO conversations VALUES ('c1', 'owner', 'Äpfel', 'äpfel', 'chat', 1.5, 2.5, 3, 1, 'm2', 3.5, NULL,
            NULL, '["fruit"]', 'Be brief.', '{"seed":7}', 'person');
        INSERT INTO messages VALUES ('m1', 'c1', 1, NULL, 2.0, 'user', '{"parts":[{"type":"text","text":"hi"}]}', 'hi',
            'complete', NULL, NULL, NULL, NULL, NULL, NULL, '', NULL);
        INSERT INTO messages VALUES ('m2', 'c1', 2, 'm1', 2.5, 'assistant', '{"parts":[{"type":"text","text":"yo"}]}',
            'yo', 'interrupted', 'llama', 'agx0', 'r1', 'length', 3, 4, 'cut', '{"first_token_s":0.5}');
        INSERT INTO requests VALUES ('r1', 2.0, 'k1', 'native', 'chat', 'auto', 'llama', 'agx0', 'agx0/ollama:11434',
            'ok', 200, '[{"engine":"agx0/ollama:11434","outcome":"ok","why":""}]', '[]', 0.1, 0.2, 0.3, 3, 4, 0, 0, '',
            'code: route chat', 'owner');
        INSERT INTO settings VALUES ('theme', '"dark"', 2.0);
        INSERT INTO audit_log VALUES (1, 1500, 'f1', 'user.made', 'owner', 'owner', 'pk-abc', '10.0.0.1', 'anna',
            '{"role":"member"}', '00', 'ff');
        INSERT INTO blobs VALUES ('00ff', 5, 1.5, 1.6, NULL, NULL);
        INSERT INTO files VALUES ('f1', 'owner', '00ff', 5, 'a.txt', 'text/plain', 'user_data', 1.5, 1.6, NULL);
        INSERT INTO jobs VALUES ('j1', 'owner', 'k1', 'chat', 'Chapters', 1, '[]', 'once', 'running', 1.5, 2.5, NULL,
            0.0, 1, 0, 'gateway', 2, 7, 0, 1, 2, 3, NULL);
        INSERT INTO job_parts VALUES ('j1', 0, '{"index":0}');
        INSERT INTO job_events VALUES ('j1', 3, 2.5, 'progress', '{}');
        INSERT INTO leadership VALUES (1, 'g1', 'http://a', 1, 2, 'secret');
        INSERT INTO gateways VALUES ('g1', 'a', 'http://a', 3, '[]');
        INSERT INTO generations VALUES ('m2', 1, '{}', 0, 1, 2, 2.5);
        INSERT INTO generation_entries VALUES ('m2', 0, '[]');
        INSERT INTO usage VALUES ('2026-11-26', 'owner', 'k1', 'llama', 'agx0', 1, 0, 3, 4, 0, 0, 0.2, NULL);
        INSERT INTO pictures VALUES ('p1', 'owner', 'j1', 'f1', NULL, NULL, '00ff', 5, 'image/png', 64, 64, 2.5,
            'txt2img', 'A fox', 'a fox', '', '{}', 'sdxl', 'abc', 'comfyui', 'orin0', 3.5, '42', 1, NULL);
        INSERT INTO picture_tags VALUES ('p1', 'best', 'Best');
        INSERT INTO incidents VALUES ('n1', 'node_down', 'agx0', '', 2.5, NULL, 'refused', 1, '[]');
        INSERT INTO message_words VALUES (7, 'c1', 'm1', 'hi');
        INSERT INTO folders VALUES ('f1', 'owner', 'Fruit', 1.5);
        INSERT INTO shares VALUES ('s1', 'owner', 'c1', 'm2', 0, 1.5, NULL);
        INSERT INTO prompts VALUES ('p1', 'owner', 'Brief', 'Be brief.', 1, 1.5, 2.5);
        INSERT INTO preferences VALUES ('owner', '{"theme":"dark"}', 2.5);
    """,
    "0018": """
        INSERT INTO users VALUES ('owner', 'owner', 'owner', 'owner', 1.5, NULL, NULL);
        INSERT INTO api_keys VALUES ('k1', 'laptop', 'pk-abc', x'00ff', 1, 1.5, NULL, 2.5, 'owner', 9.5,
            '["openai"]', NULL, '{"concurrent":2}');
        INSERT INTO sessions VALUES ('s1', 'owner', 'k1', x'0a', 'Browser/1.0', 1.5, 2.5);
        INSERT INTO passwords VALUES ('owner', '$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA', 2.5);
        INSERT INTO second_factors VALUES ('owner', x'0b', 1.5, 2.5, 7);
        INSERT INTO recovery_codes VALUES ('owner', x'0c');
        INSERT INTO links VALUES ('l1', 'invite', x'0d', 'owner', 1.5, 9.5, '', 'guest', 'Anna');
        INSERT INTO identities VALUES ('i1', 'https://id.example', 'sub', 'owner', 'a@example.org', 1.5, 2.5);
        INSERT INTO conversations VALUES ('c1', 'owner', 'Äpfel', 'äpfel', 'chat', 1.5, 2.5, 3, 1, 'm2', 3.5, NULL,
            NULL, '["fruit"]', 'Be brief.', '{"seed":7}', 'person');
        INSERT INTO messages VALUES ('m1', 'c1', 1, NULL, 2.0, 'user', '{"parts":[{"type":"text","text":"hi"}]}', 'hi',
            'complete', NULL, NULL, NULL, NULL, NULL, NULL, '', NULL);
        INSERT INTO messages VALUES ('m2', 'c1', 2, 'm1', 2.5, 'assistant', '{"parts":[{"type":"text","text":"yo"}]}',
            'yo', 'interrupted', 'llama', 'agx0', 'r1', 'length', 3, 4, 'cut', '{"first_token_s":0.5}');
        INSERT INTO requests VALUES ('r1', 2.0, 'k1', 'native', 'chat', 'auto', 'llama', 'agx0', 'agx0/ollama:11434',
            'ok', 200, '[{"engine":"agx0/ollama:11434","outcome":"ok","why":""}]', '[]', 0.1, 0.2, 0.3, 3, 4, 0, 0, '',
            'code: route chat', 'owner');
        INSERT INTO settings VALUES ('theme', '"dark"', 2.0);
        INSERT INTO audit_log VALUES (1, 1500, 'f1', 'user.made', 'owner', 'owner', 'pk-abc', '10.0.0.1', 'anna',
            '{"role":"member"}', '00', 'ff');
        INSERT INTO blobs VALUES ('00ff', 5, 1.5, 1.6, NULL, NULL);
        INSERT INTO files VALUES ('f1', 'owner', '00ff', 5, 'a.txt', 'text/plain', 'user_data', 1.5, 1.6, NULL);
        INSERT INTO jobs VALUES ('j1', 'owner', 'k1', 'chat', 'Chapters', 1, '[]', 'once', 'running', 1.5, 2.5, NULL,
            0.0, 1, 0, 'gateway', 2, 7, 0, 1, 2, 3, NULL);
        INSERT INTO job_parts VALUES ('j1', 0, '{"index":0}');
        INSERT INTO job_events VALUES ('j1', 3, 2.5, 'progress', '{}');
        INSERT INTO leadership VALUES (1, 'g1', 'http://a', 1, 2, 'secret');
        INSERT INTO gateways VALUES ('g1', 'a', 'http://a', 3, '[]');
        INSERT INTO generations VALUES ('m2', 1, '{}', 0, 1, 2, 2.5);
        INSERT INTO generation_entries VALUES ('m2', 0, '[]');
        INSERT INTO usage VALUES ('2026-11-26', 'owner', 'k1', 'llama', 'agx0', 1, 0, 3, 4, 0, 0, 0.2, NULL);
        INSERT INTO pictures VALUES ('p1', 'owner', 'j1', 'f1', NULL, NULL, '00ff', 5, 'image/png', 64, 64, 2.5,
            'txt2img', 'A fox', 'a fox', '', '{}', 'sdxl', 'abc', 'comfyui', 'orin0', 3.5, '42', 1, NULL);
        INSERT INTO picture_tags VALUES ('p1', 'best', 'Best');
        INSERT INTO incidents VALUES ('n1', 'node_down', 'agx0', '', 2.5, NULL, 'refused', 1, '[]');
        INSERT INTO message_words VALUES (7, 'c1', 'm1', 'hi');
        INSERT INTO folders VALUES ('f1', 'owner', 'Fruit', 1.5);
        INSERT INTO shares VALUES ('s1', 'owner', 'c1', 'm2', 0, 1.5, NULL);
        INSERT INTO prompts VALUES ('p1', 'owner', 'Brief', 'Be brief.', 1, 1.5, 2.5);
        INSERT INTO preferences VALUES ('owner', '{"theme":"dark"}', 2.5);
        INSERT INTO usage_hours VALUES ('2026-11-26T14', 'owner', 'k1', 'llama', 'agx0', 1, 0, 3, 4, 0, 0, 0.2, NULL);
    """,
}


def at_revision(file: Path, revision: str) -> None:
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        upgrade(connection, revision)
    engine.dispose()


def execute(file: Path, script: str) -> None:
    connection = sqlite3.connect(file)
    connection.executescript(script)
    connection.commit()
    connection.close()


def test_the_known_revisions_are_those_that_are_there_in_their_order() -> None:
    scripts = ScriptDirectory.from_config(alembic_config())
    assert tuple(each.revision for each in reversed(list(scripts.walk_revisions()))) == REVISIONS
    assert scripts.get_heads() == [HEAD]
    assert set(ROWS) == set(REVISIONS), "every schema has rows to be upgraded with"


@pytest.mark.parametrize("revision", REVISIONS)
async def test_every_earlier_schema_is_upgraded_with_what_is_in_it(tmp_path: Path, revision: str) -> None:
    file = tmp_path / "potluck.db"
    await asyncio.to_thread(at_revision, file, revision)
    execute(file, ROWS[revision])
    async with open_storage(sqlite_url(file), clock=time.monotonic) as storage:
        (key,) = await storage.keys.all()
        thread = await storage.conversations.get(ConversationId("c1"), OWNER_ID)
        (owner,) = await storage.users.all()
        request = await storage.requests.get(RequestId("r1"))
        theme = await storage.settings.get("theme")
        found = (await storage.conversations.search(OWNER_ID, "hi", limit=9)).hits
    assert [hit.message for hit in found] == ["m1"], "what was said before is found"
    assert (key.name, key.digest, key.owner, key.last_used_s) == ("laptop", b"\x00\xff", True, 2.5)
    assert (owner.id, owner.role, key.user, request.user) == (OWNER_ID, Role.OWNER, OWNER_ID, OWNER_ID)
    assert [each.message.text for each in thread.messages] == ["hi", "yo"]
    assert (thread.conversation.title, thread.conversation.messages) == ("Äpfel", 2)
    assert (request.served_model, request.attempts[0].outcome) == ("llama", "ok")
    assert theme == "dark"
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]
    connection.close()


async def test_each_key_gets_a_user_who_has_what_was_the_keys(tmp_path: Path) -> None:
    file = tmp_path / "potluck.db"
    await asyncio.to_thread(at_revision, file, "0002")
    execute(
        file,
        """
        INSERT INTO api_keys VALUES ('o1', 'owner', 'pk', x'01', 1, 1.0, 2.0, NULL);
        INSERT INTO api_keys VALUES ('o2', 'owner', 'pk', x'02', 1, 2.0, NULL, NULL);
        INSERT INTO api_keys VALUES ('old', 'laptop', 'pk', x'03', 0, 3.0, 4.0, NULL);
        INSERT INTO api_keys VALUES ('new', 'Laptop', 'pk', x'04', 0, 5.0, NULL, NULL);
        INSERT INTO api_keys VALUES ('sly', 'Owner', 'pk', x'05', 0, 6.0, NULL, NULL);
        INSERT INTO conversations VALUES ('c1', 'o1', 't', 't', '', 1.0, 1.0, 0);
        INSERT INTO conversations VALUES ('c2', 'new', 't', 't', '', 1.0, 1.0, 0);
        INSERT INTO conversations VALUES ('c3', 'old', 't', 't', '', 1.0, 1.0, 0);
        """,
    )
    async with open_storage(sqlite_url(file), clock=time.monotonic) as storage:
        users = {each.id: (each.name, each.role, each.disabled_s) for each in await storage.users.all()}
        keys = {each.id: each.user for each in await storage.keys.all()}
        theirs = {user: (await storage.conversations.list(UserId(user), limit=9)).conversations for user in users}
    assert users == {
        "owner": ("owner", Role.OWNER, None),
        "old": ("laptop 2", Role.MEMBER, 4.0),
        "new": ("Laptop", Role.MEMBER, None),
        "sly": ("Owner 2", Role.MEMBER, None),
    }
    assert keys == {"o1": "owner", "o2": "owner", "old": "old", "new": "new", "sly": "sly"}
    held = {user: [each.id for each in found] for user, found in theirs.items()}
    assert held == {"owner": ["c1"], "old": ["c3"], "new": ["c2"], "sly": []}


def test_the_newest_schema_is_the_one_that_the_program_uses(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'potluck.db'}")
    with engine.begin() as connection:
        upgrade(connection)
        context = MigrationContext.configure(connection, opts={"include_name": is_no_index})
        assert compare_metadata(context, metadata) == []
        assert partial_indexes(connection) == {"ix_api_keys_live_name": "revoked_s IS NULL"}
    engine.dispose()


def is_no_index(name: str | None, *_: object) -> bool:
    """Not one of the tables that SQLite's full text search keeps for itself."""
    return not (name or "").startswith(INDEX_TABLES)


async def test_a_new_database_is_what_migrations_would_have_made_of_it(tmp_path: Path) -> None:
    new, migrated = tmp_path / "new.db", tmp_path / "migrated.db"
    async with open_storage(sqlite_url(new), clock=time.monotonic):
        pass
    await asyncio.to_thread(at_revision, migrated, HEAD)
    assert described(new) == described(migrated)


def described(file: Path) -> dict[str, object]:
    """Each table with its columns, keys and indexes, and the revision."""
    connection = sqlite3.connect(file)
    tables: dict[str, object] = {}
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        indexes = connection.execute(f"PRAGMA index_list({table})").fetchall()
        tables[table] = (
            connection.execute(f"PRAGMA table_info({table})").fetchall(),
            connection.execute(f"PRAGMA foreign_key_list({table})").fetchall(),
            sorted(
                (unique, origin, partial, connection.execute(f"PRAGMA index_info('{name}')").fetchall())
                for _, name, unique, origin, partial in indexes
            ),
        )
    conditions = "SELECT name, substr(sql, instr(sql, ' WHERE ')) FROM sqlite_master WHERE sql LIKE '% WHERE %'"
    tables["conditions"] = connection.execute(conditions).fetchall()
    tables["triggers"] = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    tables["revision"] = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    connection.close()
    return tables


def partial_indexes(connection: Connection) -> dict[str, str]:
    """Alembic does not compare their conditions."""
    rows = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'"
    )
    return {name: sql.split(" WHERE ")[1] for name, sql in rows}


async def test_a_database_from_the_future_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "potluck.db"
    async with open_storage(sqlite_url(file), clock=time.monotonic):
        pass
    execute(file, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(OperatorError) as caught:
        async with open_storage(sqlite_url(file), clock=time.monotonic):
            pass
    assert "newer version of Potluck" in caught.value.message
    assert "9999" in caught.value.message
    assert "Install that version" in caught.value.hint
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]
    connection.close()


async def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / "potluck.db"
    execute(file, "CREATE VIEW settings AS SELECT 1")  # not a table, so it looks empty; in the way of the last one
    with pytest.raises(OperatorError):
        async with open_storage(sqlite_url(file), clock=time.monotonic):
            pass
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("settings",)]
    connection.close()


IMPORTED = """
import asyncio, sys, time
from potluck.storage.open import open_storage
async def main():
    async with open_storage(sys.argv[1], clock=time.monotonic) as storage:
        await storage.keys.all()
asyncio.run(main())
print(*sorted({"alembic", "sqlalchemy.orm", "sqlalchemy.ext", "sqlalchemy.dialects.postgresql"} & {*sys.modules}))
"""


async def test_an_ordinary_start_loads_neither_alembic_nor_parts_of_sqlalchemy_that_it_does_not_need(
    tmp_path: Path,
) -> None:
    url = sqlite_url(tmp_path / "potluck.db")
    loaded: list[bytes] = []
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", IMPORTED, url, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        loaded.append(out.strip())
    assert loaded == [b"", b""], "neither the first start nor a later one"
