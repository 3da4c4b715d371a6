// Made by `make docs` from the API's OpenAPI document; a test fails where it is not up to date.

export interface paths {
    "/api/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the audit log, newest first, or from an entry on to verify it. */
        get: operations["get_audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/backup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the backups in the data directory, and tell how far one is that is being made. */
        get: operations["get_backup"];
        put?: never;
        /** Make a backup in the background, and check it. */
        post: operations["post_backup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/boot": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All that the portal starts with: who one is, models, conversations, answers under way, counts. */
        get: operations["get_boot"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/chat": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Say something in a conversation, ask for another answer, or for the rest of one; all is kept. */
        post: operations["post_chat"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/code/complete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Complete code at the cursor; of requests with the same editor, the newest cancels the others. */
        post: operations["post_code_complete"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/code/review": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Review a diff or files; findings come as they are found. */
        post: operations["post_code_review"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/conversations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List your conversations, newest first, or search them. */
        get: operations["get_conversations"];
        put?: never;
        /** Begin an empty conversation. */
        post: operations["post_conversations"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/conversations/{conversation}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a conversation with its messages. */
        get: operations["get_conversations_conversation"];
        put?: never;
        post?: never;
        /** Delete a conversation and its messages. */
        delete: operations["delete_conversations_conversation"];
        options?: never;
        head?: never;
        /** Change a conversation: title, branch that is shown, pin, archive, folder, tags, system prompt, parameters. */
        patch: operations["patch_conversations_conversation"];
        trace?: never;
    };
    "/api/v1/conversations/{conversation}/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Take a conversation along, as JSON or Markdown. */
        get: operations["get_conversations_conversation_export"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/conversations/{conversation}/messages/{message}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Delete a message and all that follows it. */
        delete: operations["delete_conversations_conversation_messages_message"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/conversations/{conversation}/shares": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Share a conversation as it is now, read only, by a link. */
        post: operations["post_conversations_conversation_shares"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/conversations/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Take all your conversations along, as JSON or as a ZIP of Markdown. */
        get: operations["get_conversations_export"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/conversations/import": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Bring conversations: Potluck's own export, Open WebUI's or ChatGPT's; each is taken once. */
        post: operations["post_conversations_import"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/discovery": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the machines that were seen on the network, and those that were accepted. */
        get: operations["get_discovery"];
        put?: never;
        /** Look for machines now, and list them when that is done: a scan takes seconds to minutes. */
        post: operations["post_discovery"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/discovery/{proposal}/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Serve a machine that was found, or take a node's new address. */
        post: operations["post_discovery_proposal_accept"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/discovery/{proposal}/dismiss": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Propose a machine no more. */
        post: operations["post_discovery_proposal_dismiss"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/discovery/nodes/{node}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Forget a node that was accepted. */
        delete: operations["delete_discovery_nodes_node"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/drills": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the last drills, newest first. */
        get: operations["get_drills"];
        put?: never;
        /** Take a node out for a while, and watch that no call is lost; it is given back whatever happens. */
        post: operations["post_drills"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/drills/{drill}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tell how a drill goes, or went. */
        get: operations["get_drills_drill"];
        put?: never;
        post?: never;
        /** End a drill early; answered when its node is back. */
        delete: operations["delete_drills_drill"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/drills/plan": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Say what a drill would do, and what is against it. */
        post: operations["post_drills_plan"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Follow all that changes: everything first, then what is not as it was, each topic at most twice a second. */
        get: operations["get_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List your files, newest first, and how much of your quota they take. */
        get: operations["get_files"];
        put?: never;
        /** Keep a file: the body as it is, or the field `file` of a form. */
        post: operations["post_files"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/files/{file}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tell of a file. */
        get: operations["get_files_file"];
        put?: never;
        post?: never;
        /** Delete a file. */
        delete: operations["delete_files_file"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/files/{file}/content": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a file's bytes, all or a `Range`; with its digest as `ETag`. */
        get: operations["get_files_file_content"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/files/{file}/link": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make a link by which anybody may read a file for a while. */
        post: operations["post_files_file_link"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/folders": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List your folders of conversations. */
        get: operations["get_folders"];
        put?: never;
        /** Make a folder. */
        post: operations["post_folders"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/folders/{folder}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Remove a folder; what is in it stays. */
        delete: operations["delete_folders_folder"];
        options?: never;
        head?: never;
        /** Rename a folder. */
        patch: operations["patch_folders_folder"];
        trace?: never;
    };
    "/api/v1/generations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List your answers that run, and those that ended lately. */
        get: operations["get_generations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/generations/{generation}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tell how an answer stands, and its text so far. */
        get: operations["get_generations_generation"];
        put?: never;
        post?: never;
        /** Stop an answer; its text so far is kept. */
        delete: operations["delete_generations_generation"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/generations/{generation}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Follow an answer: what you have missed, then what comes. 204 if it has ended and you have it all. */
        get: operations["get_generations_generation_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tell how the machines were in the last hours: all together, and each. */
        get: operations["get_history"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/home": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tell what matters now: how the machines are, what is wrong, and for owners what is to be done. */
        get: operations["get_home"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/image/edit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make pictures out of another: drawn over, within a mask, or beyond its edges. */
        post: operations["post_image_edit"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/image/generate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make pictures out of words. */
        post: operations["post_image_generate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/image/jobs/{job}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tell how a job stands that makes pictures, and which of them are there. */
        get: operations["get_image_jobs_job"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/image/jobs/{job}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make no more pictures of a job; those that are there stay. */
        post: operations["post_image_jobs_job_cancel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/image/jobs/{job}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Follow a job that makes pictures: how it stands, then all that happens, with previews. */
        get: operations["get_image_jobs_job_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/image/models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List all that pictures can be made with, on which nodes it is, and what each engine lacks. */
        get: operations["get_image_models"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/image/upscale": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make a picture larger. */
        post: operations["post_image_upscale"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List your pictures, newest first, and search them. */
        get: operations["get_images"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/{image}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tell of one of your pictures, with all that it was asked with. */
        get: operations["get_images_image"];
        put?: never;
        post?: never;
        /** Delete one of your pictures. */
        delete: operations["delete_images_image"];
        options?: never;
        head?: never;
        /** Tag one of your pictures, or mark it as a favourite. */
        patch: operations["patch_images_image"];
        trace?: never;
    };
    "/api/v1/images/{image}/content": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the bytes of one of your pictures: as they are, smaller, or in another format. */
        get: operations["get_images_image_content"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/bulk": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Tag, mark or delete many of your pictures; those that are not there are passed over. */
        post: operations["post_images_bulk"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/facets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the tags and models of your pictures. */
        get: operations["get_images_facets"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/parameters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Read out of a picture how it was made, as what makes it again here. */
        post: operations["post_images_parameters"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/zip": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get many of your pictures in one ZIP: some, or all that a search finds. */
        get: operations["get_images_zip"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/incidents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List what went wrong and when, newest first. */
        get: operations["get_incidents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/invitations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the one-time links that wait to be used. */
        get: operations["get_invitations"];
        put?: never;
        /** Make a link by which somebody becomes a user; it is shown this once. */
        post: operations["post_invitations"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/invitations/{link}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Withdraw a one-time link. */
        delete: operations["delete_invitations_link"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/invitations/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Use a one-time link up: choose name and password, and begin a session. */
        post: operations["post_invitations_accept"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/invitations/open": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tell what a one-time link is for. It stays as it is. */
        get: operations["get_invitations_open"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/invitations/setup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make a link by which the owner chooses a name and the first password; it is shown this once. */
        post: operations["post_invitations_setup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List your jobs, newest first. */
        get: operations["get_jobs"];
        put?: never;
        /** Have work done in the background; with an Idempotency-Key the same request again is the same job. */
        post: operations["post_jobs"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tell how a job stands. */
        get: operations["get_jobs_job"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** End a job; what it has come to is kept. */
        post: operations["post_jobs_job_cancel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Follow a job: what you have missed, then what comes. 204 if it has ended and you have it all. */
        get: operations["get_jobs_job_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job}/result": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read what a job has come to, also while it runs. */
        get: operations["get_jobs_job_result"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List one's API keys; who manages users sees everybody's. */
        get: operations["get_keys"];
        put?: never;
        /** Make an API key for oneself or, for who manages users, for somebody; it is shown this once. */
        post: operations["post_keys"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/keys/{key}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revoke an API key. */
        delete: operations["delete_keys_key"];
        options?: never;
        head?: never;
        /** Limit how much may be used by a key; it holds at once. */
        patch: operations["patch_keys_key"];
        trace?: never;
    };
    "/api/v1/keys/{key}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make a key in place of one, which stays valid for a while; it is shown this once. */
        post: operations["post_keys_key_rotate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/limits": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tell what the caller may use, and how much of it is left. */
        get: operations["get_limits"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/links": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the file behind a link. */
        get: operations["get_links"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List models and where they are. */
        get: operations["get_models"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Remove a model from the disks of the engines that have it. */
        delete: operations["delete_models_name"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/{name}/copy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Give a model another name beside its own. */
        post: operations["post_models_name_copy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/{name}/load": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Bring a model into memory. */
        post: operations["post_models_name_load"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/{name}/pin": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Load a model and keep it in memory. */
        post: operations["post_models_name_pin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/{name}/unload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Take a model out of memory. */
        post: operations["post_models_name_unload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/{name}/unpin": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let a pinned model go when it is not used. */
        post: operations["post_models_name_unpin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/pull": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Fetch a model onto the best engine, or the one that is named. */
        post: operations["post_models_pull"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List nodes, their engines and how they are. */
        get: operations["get_nodes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes/{node}/drain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let nothing new start on a node, and load its models elsewhere. */
        post: operations["post_nodes_node_drain"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes/{node}/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tell how a machine was in the last hours. */
        get: operations["get_nodes_node_history"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes/{node}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let a drained node serve again. */
        post: operations["post_nodes_node_resume"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This API as an OpenAPI 3.1 document. */
        get: operations["get_openapi_json"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/outside/image": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Fetch an image that an answer names, so that the reader's browser need not. */
        post: operations["post_outside_image"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/prompts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List prompts: your own, and those that others share. */
        get: operations["get_prompts"];
        put?: never;
        /** Keep a prompt. */
        post: operations["post_prompts"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/prompts/{prompt}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Remove a prompt of yours; who manages users removes shared ones too. */
        delete: operations["delete_prompts_prompt"];
        options?: never;
        head?: never;
        /** Change a prompt of yours; who manages users changes shared ones too. */
        patch: operations["patch_prompts_prompt"];
        trace?: never;
    };
    "/api/v1/queue": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List calls that wait for a slot, in order; owners and admins see everybody's. */
        get: operations["get_queue"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/reload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Read the configuration again; with errors in it the old one stays. */
        post: operations["post_reload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/requests": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List calls that have ended, newest first; owners and admins see everybody's. */
        get: operations["get_requests"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/requests/{request}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tell how one call went, and why its node was chosen. */
        get: operations["get_requests_request"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List one's sessions in browsers; who manages users sees others' too. */
        get: operations["get_sessions"];
        put?: never;
        /** Begin a session by name and password, or with an API key: the answer sets a cookie for this browser. */
        post: operations["post_sessions"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions/{session}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** End a session, by id or as `current`; who manages users ends others' too. */
        delete: operations["delete_sessions_session"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions/oidc": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Sign in by the OpenID Connect provider: leads the browser there. */
        get: operations["get_sessions_oidc"];
        put?: never;
        /** Make an account at the provider one's own: tells where to send the browser, which must have a session. */
        post: operations["post_sessions_oidc"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions/oidc/callback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Where the provider sends the browser back to: begins a session, and leads on. */
        get: operations["get_sessions_oidc_callback"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions/ways": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tell which ways to sign in there are beside a key. */
        get: operations["get_sessions_ways"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List every setting with what holds, where that comes from, and whether it can be changed here. */
        get: operations["get_settings"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Change settings; they hold at once, and go before the file. */
        patch: operations["patch_settings"];
        trace?: never;
    };
    "/api/v1/shares": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List what you share. */
        get: operations["get_shares"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/shares/{share}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Withdraw a share: its link leads nowhere then. */
        delete: operations["delete_shares_share"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/shares/open": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read what somebody shares, by its id; who has not signed in reads only what is public. */
        get: operations["get_shares_open"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Version, uptime and counts. */
        get: operations["get_status"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Sum up what was used, as JSON or CSV; owners and admins see everybody's. */
        get: operations["get_usage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List users. */
        get: operations["get_users"];
        put?: never;
        /** Add a user. */
        post: operations["post_users"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{user}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Remove a user with its keys, conversations and files. */
        delete: operations["delete_users_user"];
        options?: never;
        head?: never;
        /** Change a user's role or limits, disable it, or let it in again; by id or name. */
        patch: operations["patch_users_user"];
        trace?: never;
    };
    "/api/v1/users/{user}/reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make a link by which a user chooses a new password; it is shown this once. */
        post: operations["post_users_user_reset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{user}/totp": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Remove the second factor of a user who has lost it. */
        delete: operations["delete_users_user_totp"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tell who one is. */
        get: operations["get_users_me"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/me/identities": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List one's accounts at the OpenID Connect provider. */
        get: operations["get_users_me_identities"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/me/identities/{identity}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Do not sign in by an account any more. */
        delete: operations["delete_users_me_identities_identity"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/me/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Change one's password, which ends all one's other sessions; or set the first one. */
        post: operations["post_users_me_password"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/me/preferences": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tell how you want the portal. */
        get: operations["get_users_me_preferences"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Change how you want the portal. */
        patch: operations["patch_users_me_preferences"];
        trace?: never;
    };
    "/api/v1/users/me/totp": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tell whether one has a second factor. */
        get: operations["get_users_me_totp"];
        put?: never;
        /** Begin a second factor (an authenticator's codes, RFC 6238); it waits for its first code. */
        post: operations["post_users_me_totp"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/me/totp/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Have the second factor asked for from now on; the recovery codes are shown this once. */
        post: operations["post_users_me_totp_confirm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/me/totp/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Remove one's second factor, by password and code. */
        post: operations["post_users_me_totp_disable"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This API as a page. */
        get: operations["get_docs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * Acceptance
         * @description ``name`` is for a new user, and for the owner's set-up; ``code`` for who has a second factor.
         */
        Acceptance: {
            /** @default  */
            code?: string;
            /** @default  */
            name?: string;
            password: string;
            token: string;
        };
        /** AcceptedEngine */
        AcceptedEngine: {
            kind: string;
            port: number;
            slots: number | null;
        };
        /**
         * AcceptedInfo
         * @description A node that was discovered and accepted. ``served`` is false where a node of the file has its name.
         */
        AcceptedInfo: {
            accepted_at: string;
            address: string;
            agent_port: number | null;
            engines: components["schemas"]["AcceptedEngine"][];
            identity: string;
            name: string;
            served: boolean;
            why: string;
        };
        /**
         * AcceptRequest
         * @description ``name`` is what the node is to be called, empty for the proposed name; ``slots`` holds for each engine.
         */
        AcceptRequest: {
            /** @default  */
            name?: string;
            /** @default null */
            slots?: number | null;
        };
        /**
         * AgentInfo
         * @description ``state`` is ``up``, ``silent``, or ``unknown`` before its first answer. ``reading`` is its last one, taken
         *         ``age_s`` ago; ``silent_s`` is for how long nothing was heard of a silent one, and ``why`` what came instead.
         */
        AgentInfo: {
            /** @default null */
            age_s: number | null;
            /** @default null */
            reading: components["schemas"]["Reading"] | null;
            /** @default null */
            silent_s: number | null;
            state: string;
            /** @default  */
            why: string;
        };
        /**
         * Answer
         * @description What the provider has the browser bring back (RFC 6749 4.1.2, RFC 9207).
         */
        Answer: {
            /** @default  */
            code: string;
            /** @default  */
            error: string;
            /** @default  */
            iss: string;
            /** @default  */
            state: string;
        };
        /**
         * AnswerFailure
         * @description Why a question has no answer; ``type`` is stable and for programs.
         */
        AnswerFailure: {
            /** @default  */
            hint: string;
            message: string;
            type: string;
        };
        /**
         * AttachmentInfo
         * @description A file that was sent with a message; its content is at ``/api/v1/files/{file}/content``, if it is there still.
         */
        AttachmentInfo: {
            file: string;
            media_type: string;
            name: string;
            size_bytes: number;
        };
        /**
         * AttemptInfo
         * @description A try: ``ok``, ``cancelled``, ``slower`` (another engine was asked beside it, and was quicker), or what went
         *         wrong. ``began_s`` and ``ended_s`` are seconds since the call came; null where they were not kept.
         */
        AttemptInfo: {
            /** @default null */
            began_s: number | null;
            /** @default null */
            ended_s: number | null;
            engine: string;
            outcome: string;
            why: string;
        };
        /**
         * AuditEntry
         * @description ``at`` is ``time_ms`` for people. ``user`` is who did it, ``name`` what that one was called then, ``key`` the
         *         beginning of the key that was shown. docs/guides/audit.md says how ``hash`` is made.
         */
        AuditEntry: {
            address: string;
            at: string;
            detail: {
                [key: string]: string | number;
            };
            event: string;
            hash: string;
            id: string;
            key: string;
            name: string;
            previous: string;
            seq: number;
            subject: string;
            time_ms: number;
            user: string;
        };
        /**
         * AuditList
         * @description ``head`` is the end of the chain, ``anchor`` what this gateway noted of it beside the database; both as
         *         ``number:hash``, empty for none.
         */
        AuditList: {
            anchor: string;
            entries: components["schemas"]["AuditEntry"][];
            head: string;
        };
        /**
         * AuditQuery
         * @description Newest first, those before entry ``before``; or, with ``after``, oldest first from the one behind that, for who
         *         verifies. ``event`` may be the beginning of one (``key.``), ``user`` the id of who did it.
         */
        AuditQuery: {
            /** @default null */
            after: number | null;
            /** @default null */
            before: number | null;
            /** @default  */
            event: string;
            /** @default 100 */
            limit: number;
            /** @default  */
            user: string;
        };
        /**
         * BackupHint
         * @description ``last_made_at`` is null where there is no backup; ``trouble`` is what became of the last try, empty if that was
         *         well. ``possible``: one can be made here.
         */
        BackupHint: {
            last_made_at: string | null;
            possible: boolean;
            trouble: string;
        };
        /**
         * BackupInfo
         * @description A backup. ``size_bytes`` are the database's and the files'; ``files`` lie with it unless they are in a bucket.
         *         ``missing`` files had no bytes when it was made. ``verified_at`` is when all of it was last read and found whole,
         *         null if never. ``version`` is Potluck's that made it.
         */
        BackupInfo: {
            files: number;
            made_at: string;
            missing: number;
            name: string;
            size_bytes: number;
            verified_at: string | null;
            version: string;
            with_files: boolean;
        };
        /**
         * BackupReply
         * @description ``possible``: one can be made here; else ``why`` says why not. ``trouble`` is what became of the last try,
         *         empty if that was well. ``backups`` are those in the data directory, the newest first; ``keep`` of them are kept.
         */
        BackupReply: {
            backups: components["schemas"]["BackupInfo"][];
            keep: number;
            possible: boolean;
            trouble: string;
            under_way: components["schemas"]["BackupStep"] | null;
            why: string;
        };
        /**
         * BackupStep
         * @description One that is being made: ``done`` of ``total`` of a ``stage``, which is ``database``, ``files`` or
         *         ``checking``.
         */
        BackupStep: {
            done: number;
            since: string;
            stage: string;
            total: number;
        };
        /**
         * BootReply
         * @description ``conversations`` is the first page of those that are not archived, ``pinned`` are those that are pinned, and
         *         ``running`` one's answers that are under way. ``name`` is what the service is called, and ``now`` its clock, to
         *         which all other times belong.
         */
        BootReply: {
            conversations: components["schemas"]["ConversationList"];
            counts: components["schemas"]["Counts"];
            features: components["schemas"]["Features"];
            folders: components["schemas"]["FolderInfo"][];
            me: components["schemas"]["Me"];
            models: components["schemas"]["ModelChoice"][];
            name: string;
            now: string;
            pinned: components["schemas"]["ConversationInfo"][];
            running: components["schemas"]["GenerationInfo"][];
            version: string;
        };
        /**
         * CallStatus
         * @description How a call ended, by who would have to act (`core.errors`).
         * @enum {unknown}
         */
        CallStatus: "cancelled" | "client_error" | "node_error" | "ok" | "overloaded";
        /**
         * CandidateInfo
         * @description A place that was thought of. Costs are in limits: 1 is all the time that the call's class allows.
         *
         *         ``run`` = (``own`` + ``harm`` to others + ``eviction`` of models + ``doubt``) * ``prior``, the owner's weight; None
         *         where the place was out of the question. ``first_s`` and ``finish_s`` were expected, ``wait_s`` of them before it
         *         could start.
         */
        CandidateInfo: {
            chosen: boolean;
            /** @default 0 */
            doubt: number;
            engine: string;
            /** @default 0 */
            eviction: number;
            /** @default 0 */
            finish_s: number;
            /** @default 0 */
            first_s: number;
            /** @default 0 */
            harm: number;
            /** @default  */
            model: string;
            /** @default 0 */
            own: number;
            /** @default 1 */
            prior: number;
            reason: string;
            /** @default null */
            run: number | null;
            /** @default 0 */
            wait_s: number;
        };
        /**
         * Cause
         * @description What kind of thing it is, the worst first.
         * @enum {unknown}
         */
        Cause: "calls_fail" | "drained" | "drill" | "engine_down" | "lost" | "moved" | "node_down" | "rescued" | "took_over";
        /**
         * ChatAnswer
         * @description What came of one question: an answer, or an ``error``.
         */
        ChatAnswer: {
            /** @default  */
            custom_id: string;
            /** @default null */
            error: components["schemas"]["AnswerFailure"] | null;
            /** @default null */
            finish: string | null;
            index: number;
            /** @default  */
            model: string;
            /** @default  */
            node: string;
            /** @default  */
            reasoning: string;
            /** @default  */
            request_id: string;
            /** @default  */
            text: string;
            /** @default [] */
            tool_calls: components["schemas"]["ToolCalled"][];
            /** @default null */
            usage: components["schemas"]["Tokens"] | null;
        };
        /**
         * ChatDone
         * @description The ``done`` event, last in a stream that did not fail. ``finish`` is null if the engine did not say.
         *         ``first_token_ms`` is from the request to the first text; null, as ``tokens_per_s``, where nobody knows.
         */
        ChatDone: {
            finish: string | null;
            /** @default null */
            first_token_ms: number | null;
            timings: components["schemas"]["TimingsInfo"] | null;
            /** @default null */
            tokens_per_s: number | null;
            usage: components["schemas"]["UsageInfo"] | null;
        };
        /**
         * ChatJob
         * @description Questions to be answered in the background. Each of ``requests`` is a text, or a request as ``POST
         *         /v1/chat/completions`` takes it; a ``custom_id`` in it comes back with its answer. ``model`` is for those that name
         *         none; left out, Potluck chooses.
         */
        ChatJob: {
            /** @enum {unknown} */
            kind: "chat";
            /** @default  */
            model?: string;
            /**
             * @default normal
             * @enum {unknown}
             */
            priority?: "low" | "normal";
            requests: (string | Record<string, never>)[];
            /** @default  */
            title?: string;
        };
        /**
         * ChatMeta
         * @description The ``meta`` event, once in a stream: where the answer comes from, where it is kept, and the ``generation`` by
         *         which a client that lost the connection finds it again. ``continues`` is the cut message that it takes the place of,
         *         whose text comes first.
         */
        ChatMeta: {
            /** @default  */
            continues: string;
            conversation: string;
            /** @default  */
            generation: string;
            message: string;
            model: string;
            node: string;
            request_id: string;
            user_message: string;
        };
        /**
         * ChatReply
         * @description The whole answer of a request with ``"stream": false``.
         */
        ChatReply: {
            conversation: string;
            finish: string | null;
            /** @default  */
            generation: string;
            message: string;
            model: string;
            node: string;
            reasoning: string;
            request_id: string;
            text: string;
            timings: components["schemas"]["TimingsInfo"] | null;
            usage: components["schemas"]["UsageInfo"] | null;
            user_message: string;
        };
        /**
         * ChatRequest
         * @description Say something. Without ``conversation`` a new one begins, named after the message's first words.
         *
         *         ``parent`` is the message that this one follows: left out, the last one of the branch that is shown; null for a new
         *         first message. To edit one, send what it is to be with the parent that it has. In place of ``message``,
         *         ``regenerate`` asks anew for an answer beside one there is, or for one more to a message of the user's, and
         *         ``continue`` goes on with an answer that was cut, in whose place the whole one comes. ``node`` is the only one that
         *         may answer.
         *
         *         ``temporary`` begins a conversation that is in memory alone: in no list, no search and no log, and gone an hour
         *         after its last message, or when Potluck is started anew. What comes later in it is temporary without saying so.
         *
         *         ``attachments`` are ids of your files: images for models that see, texts, and PDFs, of which the text is read.
         *         ``detached`` says whether the answer goes on when the client leaves; left out, a streamed one does. ``client_id`` is
         *         as the header ``Idempotency-Key``: sent again with the same one, a request is answered by what the first one began.
         */
        ChatRequest: {
            /** @default [] */
            attachments?: string[];
            /** @default  */
            client_id?: string;
            /** @default  */
            continue?: string;
            /** @default  */
            conversation?: string;
            /** @default null */
            detached?: boolean | null;
            /** @default null */
            max_tokens?: number | null;
            /** @default  */
            message?: string | (components["schemas"]["TextInput"] | components["schemas"]["ImageInput"])[];
            /** @default  */
            model?: string;
            /** @default  */
            node?: string;
            parent?: string | null;
            /** @default  */
            regenerate?: string;
            /** @default null */
            seed?: number | null;
            /** @default [] */
            stop?: string[];
            /** @default true */
            stream?: boolean;
            /** @default  */
            system?: string;
            /** @default null */
            temperature?: number | null;
            /** @default false */
            temporary?: boolean;
            /** @default null */
            think?: boolean | null;
            /** @default null */
            top_p?: number | null;
        };
        /**
         * ChildInfo
         * @description A process of the embedded engine. ``why`` is the reason of its last crash.
         */
        ChildInfo: {
            model: string;
            pid: number | null;
            restarts: number;
            role: string;
            state: string;
            why: string;
        };
        /**
         * ChoicePlace
         * @description A model on one engine. ``resident``: it is in memory. ``busy`` of ``slots`` run, of any of its models. ``wait_s``
         *         is in how many seconds a call could begin there, loading included; null where it cannot.
         */
        ChoicePlace: {
            busy: number;
            engine: string;
            health: string;
            node: string;
            resident: boolean;
            slots: number;
            wait_s: number | null;
        };
        /**
         * ClassQueueInfo
         * @description Calls of one class in line: how many, how long the oldest has waited, and in how many seconds the next starts.
         */
        ClassQueueInfo: {
            kind: string;
            longest_wait_s: number;
            next_eta_s: number;
            waiting: number;
        };
        /** CodeProof */
        CodeProof: {
            code: string;
        };
        /**
         * CompleteMeta
         * @description The ``meta`` event. ``method`` says whether the model fills in, or was only asked to in words.
         */
        CompleteMeta: {
            /** @enum {unknown} */
            method: "infill" | "instruct";
            model: string;
            node: string;
            request_id: string;
        };
        /**
         * CompleteReply
         * @description ``text`` goes between prefix and suffix as it is: no fences, nothing of either repeated.
         */
        CompleteReply: {
            finish: string | null;
            /** @enum {unknown} */
            method: "infill" | "instruct";
            model: string;
            node: string;
            request_id: string;
            text: string;
            usage: components["schemas"]["UsageInfo"] | null;
        };
        /**
         * CompleteRequest
         * @description Code before and after the cursor. ``snippets`` are pieces of other files that may help.
         *
         *         ``editor`` names one window of an editor, in any words: its next request cancels this one.
         */
        CompleteRequest: {
            /** @default  */
            editor?: string;
            /** @default  */
            language?: string;
            /** @default 128 */
            max_tokens?: number;
            /** @default  */
            model?: string;
            /** @default  */
            path?: string;
            prefix: string;
            /** @default [] */
            snippets?: components["schemas"]["SnippetInput"][];
            /** @default [] */
            stop?: string[];
            /** @default false */
            stream?: boolean;
            /** @default  */
            suffix?: string;
            /** @default null */
            temperature?: number | null;
        };
        /**
         * ContentQuery
         * @description ``size`` is the longer side in pixels, at most; ``format`` left out is the picture's own. ``download`` has a
         *         browser save it.
         */
        ContentQuery: {
            /** @default false */
            download: boolean;
            /** @default null */
            format: ("avif" | "jpeg" | "png" | "webp") | null;
            /** @default 85 */
            quality: number;
            /** @default null */
            size: number | null;
        };
        /**
         * ConversationInfo
         * @description ``match`` is set in the results of a search only. ``titled`` says who made the title: its first ``words``, a
         *         ``model``, or a ``person``, whose title no model changes. ``folder`` is its id. A ``temporary`` one is in memory
         *         alone.
         */
        ConversationInfo: {
            /** @default false */
            archived: boolean;
            created_at: string;
            /** @default null */
            folder: string | null;
            id: string;
            /** @default null */
            match: components["schemas"]["SearchMatch"] | null;
            message_count: number;
            model: string;
            /** @default false */
            pinned: boolean;
            /** @default [] */
            tags: string[];
            /** @default false */
            temporary: boolean;
            title: string;
            /** @default words */
            titled: components["schemas"]["Titled"];
            updated_at: string;
        };
        /**
         * ConversationList
         * @description ``next`` is the ``cursor`` of the next page, null on the last one.
         */
        ConversationList: {
            conversations: components["schemas"]["ConversationInfo"][];
            /** @default null */
            next: string | null;
        };
        /**
         * ConversationPatch
         * @description What is left out stays. ``leaf`` is the last message of the branch that is shown. ``folder`` null takes it out of
         *         its folder. ``system`` and ``params`` are for answers whose requests do not say.
         */
        ConversationPatch: {
            archived?: boolean;
            folder?: string | null;
            leaf?: string;
            model?: string;
            params?: components["schemas"]["ParamsInfo"];
            pinned?: boolean;
            system?: string;
            tags?: string[];
            title?: string;
        };
        /**
         * ConversationQuery
         * @description ``q`` searches titles and messages instead of listing: words or their beginnings, in any order, and what is in
         *         quotes as it is. ``folder`` is its id, or ``none``; without ``archived`` both are listed.
         */
        ConversationQuery: {
            /** @default null */
            archived: boolean | null;
            /** @default  */
            cursor: string;
            /** @default  */
            folder: string;
            /** @default 50 */
            limit: number;
            /** @default null */
            pinned: boolean | null;
            /** @default  */
            q: string;
            /** @default  */
            tag: string;
        };
        /**
         * ConversationsChanged
         * @description Ids of conversations whose line in the listing is another now: new, renamed, gone on with, or gone. ``all``: it
         *         may be any; read the listing again.
         */
        ConversationsChanged: {
            all: boolean;
            changed: string[];
        };
        /**
         * ConversationThread
         * @description One conversation with its messages, in the order of writing. ``leaf`` is the last one of the branch that is
         *         shown, null if there is no message; ``roots`` are the first messages, oldest first: more than one are branches.
         */
        ConversationThread: {
            /** @default false */
            archived: boolean;
            created_at: string;
            /** @default null */
            folder: string | null;
            id: string;
            /** @default null */
            leaf: string | null;
            /** @default null */
            match: components["schemas"]["SearchMatch"] | null;
            message_count: number;
            messages: components["schemas"]["MessageInfo"][];
            model: string;
            params: components["schemas"]["ParamsInfo"];
            /** @default false */
            pinned: boolean;
            /** @default [] */
            roots: string[];
            /** @default  */
            system: string;
            /** @default [] */
            tags: string[];
            /** @default false */
            temporary: boolean;
            title: string;
            /** @default words */
            titled: components["schemas"]["Titled"];
            updated_at: string;
        };
        /**
         * CopyRequest
         * @description ``to`` is the other name.
         */
        CopyRequest: {
            /** @default  */
            engine?: string;
            /** @default  */
            node?: string;
            to: string;
        };
        /** CountedName */
        CountedName: {
            images: number;
            name: string;
        };
        /**
         * Counts
         * @description ``busy`` calls run and ``waiting`` are in line. ``proposals`` are machines that were found and wait for the
         *         owner's word; null for who may not give it.
         */
        Counts: {
            busy: number;
            nodes: number;
            nodes_up: number;
            /** @default null */
            proposals: number | null;
            waiting: number;
        };
        /**
         * Cpu
         * @description All processors together.
         */
        Cpu: {
            /** @default null */
            cores: number | null;
            /** @default null */
            load: number | null;
        };
        /**
         * Delta
         * @description The ``delta`` and ``reasoning`` events: text to be added to what came before.
         */
        Delta: {
            text: string;
        };
        /**
         * Dimension
         * @description What figures may be told apart by.
         * @enum {unknown}
         */
        Dimension: "day" | "hour" | "key" | "model" | "node" | "user";
        /**
         * DiscoveryReply
         * @description ``mdns`` and ``scan`` are how is looked beside this machine's usual ports; ``scanned_at`` is the last scan.
         */
        DiscoveryReply: {
            mdns: boolean;
            nodes: components["schemas"]["AcceptedInfo"][];
            proposals: components["schemas"]["ProposalInfo"][];
            scan: string[];
            scanned_at: string | null;
        };
        /**
         * Disk
         * @description A file system that models are kept on.
         */
        Disk: {
            free_bytes: number;
            path: string;
            total_bytes: number;
        };
        /**
         * DrainInfo
         * @description A node that gets nothing new, since ``since``. ``running`` calls end there in peace; ``empty`` is true when none
         *         is left and what can be moved has been.
         */
        DrainInfo: {
            empty: boolean;
            moves: components["schemas"]["MoveInfo"][];
            running: number;
            since: string;
        };
        /**
         * DrillCalls
         * @description People's calls for the node's models while it was out. ``rescued`` answers had begun on it and went on elsewhere,
         *         ``unfinished`` ones still do; ``moved`` had not begun. ``waited`` had no slot at once.
         */
        DrillCalls: {
            cancelled: number;
            longest_wait_s: number;
            lost: number;
            moved: number;
            queue_peak: number;
            rescued: number;
            served: number;
            unfinished: number;
            waited: number;
        };
        /**
         * DrillHome
         * @description A model of the node, and where it is found while that is away: in the ``memory`` of ``nodes``, on their ``disk``,
         *         or nowhere (``none``).
         */
        DrillHome: {
            home: components["schemas"]["Home"];
            model: string;
            nodes: string[];
            resident: boolean;
        };
        /** DrillList */
        DrillList: {
            drills: components["schemas"]["DrillReport"][];
        };
        /**
         * DrillPlan
         * @description What a drill would do now. ``refused`` is what speaks against it, ``impossible`` what of that no ``force``
         *         changes. It is broken off when more than ``most_waiting`` calls are in line.
         */
        DrillPlan: {
            how: components["schemas"]["How"];
            impossible: string[];
            models: components["schemas"]["DrillHome"][];
            most_waiting: number;
            node: string;
            refused: string[];
            running: number;
            waiting: number;
        };
        /**
         * DrillProof
         * @description What was shown of one model. ``same``: the answer that was cut is the undisturbed one to the letter; null where
         *         none was cut.
         */
        DrillProof: {
            model: string;
            proven: boolean;
            said: string;
            same: boolean | null;
        };
        /**
         * DrillReport
         * @description A drill as it is now. ``until`` is when the node comes back, null before it is out. ``outcome``, null until it is
         *         over: ``held`` (nothing was lost), ``lost``, ``stopped`` by the owner, ``broken_off``, or ``interrupted`` by the
         *         gateway's end. ``recovered_s``: the longest time from the cut to an answer's next word. ``restored``: the node
         *         answers as before.
         */
        DrillReport: {
            began_at: string;
            calls: components["schemas"]["DrillCalls"];
            ended_at: string | null;
            how: components["schemas"]["How"];
            id: string;
            models: components["schemas"]["DrillProof"][];
            node: string;
            outcome: components["schemas"]["Outcome"] | null;
            recovered_s: number | null;
            restored: boolean | null;
            seconds: number;
            stage: components["schemas"]["Stage"];
            until: string | null;
            why: string;
        };
        /**
         * DrillRequest
         * @description The node is out for ``seconds``. ``probe``: send test calls to it, so that a quiet house is proven too.
         *         ``force``: in spite of what is said against it, where it can be done at all.
         */
        DrillRequest: {
            /** @default false */
            force?: boolean;
            /** @default drain */
            how?: components["schemas"]["How"];
            /** @default  */
            node?: string;
            /** @default true */
            probe?: boolean;
            /** @default 60 */
            seconds?: number;
        };
        /**
         * DrillTarget
         * @description ``how``: ``drain`` lets what runs there end in peace, ``block`` is as if the node had died. Without a ``node``
         *         the one is picked that disturbs least.
         */
        DrillTarget: {
            /** @default drain */
            how?: components["schemas"]["How"];
            /** @default  */
            node?: string;
        };
        /**
         * EditRequest
         * @description A picture out of another: drawn over (``denoise`` is how much), where the mask is white, or beyond its edges.
         *         ``image`` may also be called ``init``, as in a picture's parameters. Width and height left out: those of the image,
         *         up to a megapixel.
         */
        EditRequest: {
            /** @default 0 */
            cfg?: number;
            /** @default 0 */
            clip_skip?: number;
            /** @default [] */
            controls?: components["schemas"]["ImageControl"][];
            /** @default 1 */
            count?: number;
            /** @default 0.75 */
            denoise?: number;
            /** @default 3.5 */
            guidance?: number;
            /** @default 0 */
            height?: number;
            /**
             * @description An id of a picture or file of yours, base64, a data URI, or a URL.
             * @default
             */
            image?: string;
            /**
             * @description An id of a picture or file of yours, base64, a data URI, or a URL.
             * @default
             */
            init?: string;
            /** @default null */
            inpaint?: components["schemas"]["ImageInpaint"] | null;
            /** @default [] */
            loras?: components["schemas"]["ImageLora"][];
            /**
             * @description An id of a picture or file of yours, base64, a data URI, or a URL.
             * @default
             */
            mask?: string;
            /** @default  */
            model?: string;
            /** @default  */
            negative?: string;
            /** @default  */
            node?: string;
            /** @default null */
            outpaint?: components["schemas"]["ImageOutpaint"] | null;
            /**
             * @default normal
             * @enum {unknown}
             */
            priority?: "high" | "low" | "normal";
            /** @default  */
            prompt?: string;
            /**
             * @default crop
             * @enum {unknown}
             */
            resize?: "crop" | "pad" | "stretch";
            /** @default false */
            restore_faces?: boolean;
            /** @default  */
            sampler?: string;
            /** @default  */
            scheduler?: string;
            /** @default -1 */
            seed?: number;
            /** @default 0 */
            steps?: number;
            /** @default [] */
            styles?: string[];
            /** @default [] */
            tags?: string[];
            /** @default false */
            tiling?: boolean;
            /** @default  */
            title?: string;
            /** @default  */
            vae?: string;
            /** @default 0 */
            wait?: number;
            /** @default 0 */
            width?: number;
            /** @default  */
            workflow?: string;
        };
        /**
         * EngineInfo
         * @description ``busy`` of ``slots`` generations run now; ``why`` says why the engine is in this health. ``loaded`` tells more
         *         of the ``resident`` models, ``rates`` of all that were at work. ``failures`` calls have failed there in a row, so
         *         that others are asked first: for ``retry_s`` seconds more, after which it is on ``trial`` with one call at a time.
         */
        EngineInfo: {
            busy: number;
            children: components["schemas"]["ChildInfo"][];
            /** @default 0 */
            failures: number;
            health: string;
            id: string;
            kind: string;
            /** @default [] */
            loaded: components["schemas"]["LoadedInfo"][];
            models: string[];
            /** @default [] */
            rates: components["schemas"]["RateInfo"][];
            resident: string[];
            /** @default null */
            retry_s: number | null;
            slots: number;
            /** @default false */
            trial: boolean;
            why: string;
        };
        /**
         * ErrorBody
         * @description Every refusal, and the data of an ``error`` event.
         */
        ErrorBody: {
            error: components["schemas"]["ErrorInfo"];
        };
        /**
         * ErrorInfo
         * @description ``type`` is stable and for programs; ``hint`` says what to do; ``param`` names the field, dotted.
         */
        ErrorInfo: {
            /** @default  */
            conversation: string;
            hint: string;
            message: string;
            /** @default  */
            param: string;
            request_id: string;
            type: string;
        };
        /**
         * EventQuery
         * @description ``after`` is the id of the last event that you have; a ``Last-Event-ID`` header, which browsers send by
         *         themselves, goes before it.
         */
        EventQuery: {
            /** @default 0 */
            after: number;
        };
        /**
         * EventsQuery
         * @description ``topics`` are those that you want, with commas between them; without it, all that you may have: ``nodes``,
         *         ``models``, ``queue``, ``generations``, ``jobs``, ``conversations``, ``incidents``, ``discovery``.
         */
        EventsQuery: {
            /** @default  */
            topics: string;
        };
        /**
         * ExportOneQuery
         * @description ``branch`` is ``active``, the one that is shown, or the id of its last message; left out, JSON has all and
         *         Markdown the one that is shown.
         */
        ExportOneQuery: {
            /** @default  */
            branch: string;
            /**
             * @default json
             * @enum {unknown}
             */
            format: "json" | "markdown";
        };
        /**
         * ExportQuery
         * @description ``markdown`` is a ZIP with a file for each conversation.
         */
        ExportQuery: {
            /**
             * @default json
             * @enum {unknown}
             */
            format: "json" | "markdown";
        };
        /** FacetQuery */
        FacetQuery: {
            /** @default 100 */
            limit: number;
        };
        /**
         * FactorBegun
         * @description ``secret`` is for typing into an authenticator, ``url`` (otpauth://) for a QR code. Shown this once.
         */
        FactorBegun: {
            secret: string;
            url: string;
        };
        /**
         * FactorConfirmed
         * @description ``recovery_codes`` stand in for the authenticator, once each. Shown this once.
         */
        FactorConfirmed: {
            recovery_codes: string[];
        };
        /**
         * FactorProof
         * @description ``code`` may be a recovery code.
         */
        FactorProof: {
            code: string;
            password: string;
        };
        /** FactorState */
        FactorState: {
            enabled: boolean;
            recovery_codes_left: number;
        };
        /**
         * Features
         * @description What the owner lets the portal do (`portal` in the configuration), and the most that one upload may hold.
         */
        Features: {
            most_upload_bytes: number;
            public_shares: boolean;
            titles: boolean;
        };
        /**
         * FileInfo
         * @description ``sha256`` is of its bytes, ``purpose`` one of OpenAI's; at ``expires_at`` it is gone.
         */
        FileInfo: {
            created_at: string;
            /** @default null */
            expires_at: string | null;
            id: string;
            media_type: string;
            name: string;
            purpose: string;
            sha256: string;
            size_bytes: number;
        };
        /** FileInput */
        FileInput: {
            path: string;
            text: string;
        };
        /**
         * FileList
         * @description ``next`` is ``after`` for the following page. ``quota_bytes`` is null where there is none.
         */
        FileList: {
            files: components["schemas"]["FileInfo"][];
            next: string | null;
            quota_bytes: number | null;
            used_bytes: number;
        };
        /** FileQuery */
        FileQuery: {
            /** @default  */
            after: string;
            /** @default 50 */
            limit: number;
            /** @default  */
            purpose: string;
        };
        /**
         * FileStoreInfo
         * @description Whether the store for files answered last, and what waits on the gateway's disk to be brought there.
         */
        FileStoreInfo: {
            answers: boolean;
            /** @default 0 */
            waiting: number;
            /** @default 0 */
            waiting_bytes: number;
        };
        /**
         * FindingInfo
         * @description ``suggested_patch`` is a patch that ``git apply`` takes on top of the change; null if there is none.
         */
        FindingInfo: {
            end_line: number | null;
            explanation: string;
            line: number;
            path: string;
            severity: components["schemas"]["Severity"];
            /** @default null */
            suggested_patch: string | null;
            title: string;
        };
        /**
         * FleetHistoryReply
         * @description ``series`` is of all machines together, ``nodes`` of each.
         */
        FleetHistoryReply: {
            known_since: string | null;
            nodes: {
                [key: string]: components["schemas"]["SeriesInfo"];
            };
            series: components["schemas"]["SeriesInfo"];
            since: string;
            step_s: number;
        };
        /**
         * FolderInfo
         * @description ``conversations`` is how many are in it.
         */
        FolderInfo: {
            /** @default 0 */
            conversations: number;
            id: string;
            name: string;
        };
        /** FolderList */
        FolderList: {
            folders: components["schemas"]["FolderInfo"][];
        };
        /** FolderName */
        FolderName: {
            name: string;
        };
        /**
         * GatewayInfo
         * @description A gateway of this installation that runs; ``url`` is where the others reach it.
         */
        GatewayInfo: {
            name: string;
            started_at: string;
            url: string;
            version: string;
        };
        /**
         * GenerateRequest
         * @description A picture out of words.
         */
        GenerateRequest: {
            /** @default 0 */
            cfg?: number;
            /** @default 0 */
            clip_skip?: number;
            /** @default [] */
            controls?: components["schemas"]["ImageControl"][];
            /** @default 1 */
            count?: number;
            /** @default 3.5 */
            guidance?: number;
            /** @default 0 */
            height?: number;
            /** @default null */
            hires?: components["schemas"]["ImageHires"] | null;
            /** @default [] */
            loras?: components["schemas"]["ImageLora"][];
            /** @default  */
            model?: string;
            /** @default  */
            negative?: string;
            /** @default  */
            node?: string;
            /**
             * @default normal
             * @enum {unknown}
             */
            priority?: "high" | "low" | "normal";
            /** @default  */
            prompt?: string;
            /** @default false */
            restore_faces?: boolean;
            /** @default  */
            sampler?: string;
            /** @default  */
            scheduler?: string;
            /** @default -1 */
            seed?: number;
            /** @default 0 */
            steps?: number;
            /** @default [] */
            styles?: string[];
            /** @default [] */
            tags?: string[];
            /** @default false */
            tiling?: boolean;
            /** @default  */
            title?: string;
            /** @default  */
            vae?: string;
            /** @default 0 */
            wait?: number;
            /** @default 0 */
            width?: number;
            /** @default  */
            workflow?: string;
        };
        /**
         * GenerationError
         * @description As in an ``error`` event.
         */
        GenerationError: {
            /** @default  */
            hint: string;
            message: string;
            type: string;
        };
        /**
         * GenerationInfo
         * @description An answer that runs, or ended lately. ``id`` is its message's too; ``last_event`` is the number of its last event
         *         so far; ``readers`` follow it now. ``queued`` is there while it waits in line; ``node`` and ``model`` are of the
         *         engine that has it, null before there is one.
         */
        GenerationInfo: {
            asked_model: string;
            conversation: string;
            created_at: string;
            detached: boolean;
            ended_at: string | null;
            id: string;
            last_event: number;
            model: string | null;
            node: string | null;
            queued: components["schemas"]["InLineInfo"] | null;
            readers: number;
            request_id: string;
            /** @enum {unknown} */
            state: "complete" | "failed" | "interrupted" | "running";
            user_message: string;
        };
        /**
         * GenerationList
         * @description Your own: those that run, then those that ended, the last to end first.
         */
        GenerationList: {
            generations: components["schemas"]["GenerationInfo"][];
        };
        /** GenerationsDelta */
        GenerationsDelta: {
            changed: components["schemas"]["LiveGeneration"][];
            gone: string[];
        };
        /**
         * GenerationState
         * @description One with its text so far. ``done`` is there at the end of a complete one, ``error`` of a failed one, ``stopped``
         *         of an interrupted one.
         */
        GenerationState: {
            asked_model: string;
            conversation: string;
            created_at: string;
            detached: boolean;
            /** @default null */
            done: components["schemas"]["ChatDone"] | null;
            ended_at: string | null;
            /** @default null */
            error: components["schemas"]["GenerationError"] | null;
            id: string;
            last_event: number;
            model: string | null;
            node: string | null;
            queued: components["schemas"]["InLineInfo"] | null;
            readers: number;
            reasoning: string;
            request_id: string;
            /** @enum {unknown} */
            state: "complete" | "failed" | "interrupted" | "running";
            /** @default null */
            stopped: components["schemas"]["StoppedInfo"] | null;
            text: string;
            user_message: string;
        };
        /**
         * Gpu
         * @description One graphics processor.
         */
        Gpu: {
            /** @default null */
            celsius: number | null;
            /** @default null */
            load: number | null;
            /** @default null */
            memory_free_bytes: number | null;
            /** @default null */
            memory_total_bytes: number | null;
            /** @default null */
            memory_used_bytes: number | null;
            /** @default  */
            name: string;
            /** @default false */
            unified: boolean;
            /** @default null */
            watts: number | null;
        };
        /**
         * HeldModel
         * @description A model in memory: what it takes there, by its engine's word or else estimated, the part of that in an
         *         accelerator's own, and when it will be unloaded. ``busy`` calls have it now; ``decode_tps`` is the learned speed of
         *         its answers, in tokens a second, null where that is not known yet.
         */
        HeldModel: {
            /** @default 0 */
            busy: number;
            /** @default null */
            decode_tps: number | null;
            /** @default null */
            expires_at: string | null;
            memory_bytes: number;
            model: string;
            /** @default false */
            pinned: boolean;
            /** @default null */
            vram_bytes: number | null;
        };
        /**
         * HistoryQuery
         * @description The last ``hours``, in steps of ``step_s`` seconds: 30, or some times that.
         */
        HistoryQuery: {
            /** @default 6 */
            hours: number;
            /** @default 30 */
            step_s: number;
        };
        /**
         * HistoryReply
         * @description The first value is of the step that begins at ``since``; each next one of ``step_s`` seconds later.
         *         ``known_since`` is when anything is known from, null if nothing is yet.
         */
        HistoryReply: {
            known_since: string | null;
            series: components["schemas"]["SeriesInfo"];
            since: string;
            step_s: number;
        };
        /**
         * Home
         * @description Where a model is found if its node is away: in another one's memory, on its disk, or nowhere.
         * @enum {unknown}
         */
        Home: "disk" | "memory" | "none";
        /**
         * HomeReply
         * @description ``fleet`` says in a sentence how the machines are. ``incidents`` are those that are not over. ``set_up``,
         *         ``proposals`` (machines that wait for the owner's word) and ``backup`` are for owners and admins, null for
         *         others.
         */
        HomeReply: {
            /** @default null */
            backup: components["schemas"]["BackupHint"] | null;
            fleet: string;
            incidents: components["schemas"]["IncidentInfo"][];
            models_ready: number;
            name: string;
            nodes: number;
            nodes_up: number;
            /** @default null */
            proposals: number | null;
            running: number;
            /** @default null */
            set_up: components["schemas"]["SetUpInfo"] | null;
            waiting: number;
        };
        /**
         * How
         * @description ``DRAIN``: nothing new starts there, what runs ends in peace. ``BLOCK``: as if the machine had died.
         * @enum {unknown}
         */
        How: "block" | "drain";
        /**
         * Identity
         * @description Who the machine is, whatever its address.
         */
        Identity: {
            /** @default  */
            boot: string;
            /** @default  */
            host: string;
            /** @default  */
            machine: string;
        };
        /**
         * IdentityInfo
         * @description An account at a provider, by which a user can sign in. ``email`` is what the provider said last, once it has
         *         verified it.
         */
        IdentityInfo: {
            created_at: string;
            email: string;
            id: string;
            issuer: string;
            last_used_at: string;
            subject: string;
        };
        /** IdentityList */
        IdentityList: {
            identities: components["schemas"]["IdentityInfo"][];
        };
        /**
         * ImageAsked
         * @description ``url`` is http or https, and out on the Internet.
         */
        ImageAsked: {
            url: string;
        };
        /**
         * ImageBulk
         * @description Changes all of ``images``; ``delete`` deletes them instead.
         */
        ImageBulk: {
            /** @default false */
            delete?: boolean;
            /** @default null */
            favourite?: boolean | null;
            images: string[];
            /** @default [] */
            tag?: string[];
            /** @default null */
            tags?: string[] | null;
            /** @default [] */
            untag?: string[];
        };
        /**
         * ImageChange
         * @description ``tags`` take the place of all there are; ``tag`` adds some, ``untag`` removes some.
         */
        ImageChange: {
            /** @default null */
            favourite?: boolean | null;
            /** @default [] */
            tag?: string[];
            /** @default null */
            tags?: string[] | null;
            /** @default [] */
            untag?: string[];
        };
        /**
         * ImageControl
         * @description A ControlNet unit. ``preprocess``: ``image`` is a picture whose edges, depth or pose are to be found first; else
         *         it is such a map. ``start`` and ``end`` are shares of the steps. ``model`` left out: the engine's own for it.
         */
        ImageControl: {
            /** @default 1 */
            end?: number;
            /** @description An id of a picture or file of yours, base64, a data URI, or a URL. */
            image: string;
            /** @enum {unknown} */
            kind: "canny" | "depth" | "pose" | "scribble";
            /** @default  */
            model?: string;
            /** @default true */
            preprocess?: boolean;
            /** @default 0 */
            start?: number;
            /** @default 1 */
            weight?: number;
        };
        /**
         * ImageDetail
         * @description ``parameters`` are all that it was asked with: sent again, they make it again, as far as its engine can.
         *         ``model_hash`` is the checkpoint's, as A1111 shows it, ``sha256`` the picture's own.
         */
        ImageDetail: {
            content: string;
            created_at: string;
            engine: string;
            favourite: boolean;
            height: number;
            id: string;
            job: string | null;
            media_type: string;
            model: string;
            model_hash: string;
            negative: string;
            node: string;
            parameters: Record<string, never>;
            parent: string | null;
            prompt: string;
            seconds: number;
            seed: number | null;
            sha256: string;
            size_bytes: number;
            tags: string[];
            task: string;
            width: number;
        };
        /**
         * ImageEngineInfo
         * @description An image engine. ``why`` says what is wrong with one that is not ``up``; ``lacks`` why it cannot make what was
         *         asked for, in words that go on from its node's name.
         */
        ImageEngineInfo: {
            /** @default [] */
            features: string[];
            kind: string;
            lacks: string[];
            /** @default null */
            memory_free: number | null;
            /** @default null */
            memory_total: number | null;
            /** @default null */
            most_pixels: number | null;
            node: string;
            up: boolean;
            /** @default  */
            version: string;
            why: string;
        };
        /**
         * ImageFacets
         * @description What pictures are told apart by, the most frequent first.
         */
        ImageFacets: {
            models: components["schemas"]["CountedName"][];
            tags: components["schemas"]["CountedName"][];
        };
        /**
         * ImageHires
         * @description A second pass over the picture, enlarged. ``upscaler`` left out: in latent space. ``steps`` 0: as the first.
         */
        ImageHires: {
            /** @default 0.5 */
            denoise?: number;
            /** @default 2 */
            scale?: number;
            /** @default 0 */
            steps?: number;
            /** @default  */
            upscaler?: string;
        };
        /**
         * ImageInfo
         * @description A picture in the gallery. ``content`` is where its bytes are; with ``?size=256`` a small copy's. ``task`` is what
         *         was asked for, ``seconds`` what the engine took, ``parent`` the picture that it was made from.
         */
        ImageInfo: {
            content: string;
            created_at: string;
            engine: string;
            favourite: boolean;
            height: number;
            id: string;
            job: string | null;
            media_type: string;
            model: string;
            negative: string;
            node: string;
            parent: string | null;
            prompt: string;
            seconds: number;
            seed: number | null;
            size_bytes: number;
            tags: string[];
            task: string;
            width: number;
        };
        /**
         * ImageInpaint
         * @description ``mask`` is white, or transparent, where is to be drawn; ``invert``: everywhere else. ``content`` is what stands
         *         under it when drawing begins. ``only_masked`` draws the mask's surroundings in full size.
         */
        ImageInpaint: {
            /** @default 4 */
            blur?: number;
            /**
             * @default original
             * @enum {unknown}
             */
            content?: "blurred" | "noise" | "nothing" | "original";
            /** @default false */
            invert?: boolean;
            /** @description An id of a picture or file of yours, base64, a data URI, or a URL. */
            mask: string;
            /** @default false */
            only_masked?: boolean;
            /** @default 32 */
            padding?: number;
        };
        /**
         * ImageInput
         * @description ``data`` is base64 without a ``data:`` prefix; or ``url``, http or https, which Potluck fetches.
         */
        ImageInput: {
            /** @default  */
            data?: string;
            /** @default  */
            media_type?: string;
            /** @enum {unknown} */
            type: "image";
            /** @default  */
            url?: string;
        };
        /**
         * ImageJobInfo
         * @description ``position`` is how many jobs are likely to be begun before it, null for one that does not wait. ``error`` is
         *         what went wrong last; ``again_at`` is when it is tried again. ``images`` are those that are there.
         */
        ImageJobInfo: {
            again_at: string | null;
            created_at: string;
            done: number;
            ended_at: string | null;
            error: components["schemas"]["JobError"] | null;
            failures: number;
            id: string;
            images: components["schemas"]["ImageInfo"][];
            position: number | null;
            progress: components["schemas"]["ImageProgress"] | null;
            started_at: string | null;
            /** @enum {unknown} */
            state: "cancelled" | "done" | "failed" | "queued" | "running";
            title: string;
            total: number;
        };
        /**
         * ImageList
         * @description ``next`` is ``after`` for the following page, null on the last one. ``total`` counts all of your pictures,
         *         ``used_bytes`` what they take; ``quota_bytes`` is null where there is none.
         */
        ImageList: {
            images: components["schemas"]["ImageInfo"][];
            next: string | null;
            quota_bytes: number | null;
            total: number;
            used_bytes: number;
        };
        /** ImageLora */
        ImageLora: {
            name: string;
            /** @default 1 */
            weight?: number;
        };
        /**
         * ImageModelQuery
         * @description What a picture is to be made with: each engine is told with what it lacks for it.
         */
        ImageModelQuery: {
            /** @default  */
            model: string;
            /**
             * @default txt2img
             * @enum {unknown}
             */
            task: "img2img" | "inpaint" | "outpaint" | "txt2img" | "upscale";
            /** @default  */
            upscaler: string;
        };
        /**
         * ImageModels
         * @description What all image engines have together, each thing with where it is.
         */
        ImageModels: {
            checkpoints: components["schemas"]["ImageThing"][];
            controls: components["schemas"]["ImageThing"][];
            embeddings: components["schemas"]["ImageThing"][];
            engines: components["schemas"]["ImageEngineInfo"][];
            loras: components["schemas"]["ImageThing"][];
            samplers: components["schemas"]["ImageThing"][];
            schedulers: components["schemas"]["ImageThing"][];
            upscalers: components["schemas"]["ImageThing"][];
            vaes: components["schemas"]["ImageThing"][];
            workflows: components["schemas"]["ImageThing"][];
        };
        /**
         * ImageOutpaint
         * @description How far the image grows to each side, in pixels; ``feather`` is how wide the seam is.
         */
        ImageOutpaint: {
            /** @default 0 */
            bottom?: number;
            /** @default 40 */
            feather?: number;
            /** @default 0 */
            left?: number;
            /** @default 0 */
            right?: number;
            /** @default 0 */
            top?: number;
        };
        /**
         * ImageParameters
         * @description ``parameters`` are as ``POST /api/v1/image/generate`` takes them; null for a picture that does not tell.
         *         ``left_out`` are those that it tells and nobody could draw. ``infotext`` is the text itself, and ``workflow``
         *         ComfyUI's graph, as JSON; each empty for none.
         */
        ImageParameters: {
            infotext: string;
            left_out: string[];
            parameters: Record<string, never> | null;
            workflow: string;
        };
        /**
         * ImageParametersRequest
         * @description ``image`` is the file in base64, a data URI, or an id of a picture of yours; or ``infotext`` is the text that
         *         A1111 writes into its pictures.
         */
        ImageParametersRequest: {
            /** @default  */
            image?: string;
            /** @default  */
            infotext?: string;
        };
        /** ImagePosition */
        ImagePosition: {
            position: number;
        };
        /**
         * ImageProgress
         * @description How far it is: picture ``index`` has ``step`` of ``steps`` (0: nobody knows how many). ``share`` is of the whole
         *         job, from 0 to 1. ``eta_s`` is until all is there, null for unknown. ``preview`` is a data URI of the picture on its
         *         way, null where there is none yet.
         */
        ImageProgress: {
            eta_s: number | null;
            index: number;
            node: string;
            /** @default null */
            preview: string | null;
            share: number;
            step: number;
            steps: number;
            what: string;
        };
        /**
         * ImageQuery
         * @description ``after`` is the last picture of the page before this one.
         */
        ImageQuery: {
            /** @default  */
            after: string;
            /** @default null */
            favourite: boolean | null;
            /** @default  */
            job: string;
            /** @default 50 */
            limit: number;
            /** @default  */
            model: string;
            /** @default  */
            node: string;
            /**
             * @default newest
             * @enum {unknown}
             */
            order: "newest" | "oldest";
            /** @default  */
            parent: string;
            /** @default  */
            q: string;
            /** @default null */
            since: string | null;
            /** @default  */
            tag: string;
            /**
             * @default
             * @enum {unknown}
             */
            task: "" | "img2img" | "inpaint" | "outpaint" | "txt2img" | "upscale";
            /** @default null */
            until: string | null;
        };
        /**
         * ImagesChanged
         * @description How many of them there were.
         */
        ImagesChanged: {
            images: number;
        };
        /**
         * ImageThing
         * @description Something to ask for by its ``name``, on each of ``nodes``. ``label`` is what people call it, ``family`` a
         *         checkpoint's or ControlNet's architecture, ``loaded_on`` where a checkpoint is in memory. ``scale`` is what an
         *         upscaler was made for, ``kinds`` what a ControlNet is for.
         */
        ImageThing: {
            /** @default  */
            family: string;
            /** @default  */
            hash: string;
            /** @default [] */
            kinds: string[];
            /** @default  */
            label: string;
            /** @default [] */
            loaded_on: string[];
            name: string;
            nodes: string[];
            /** @default null */
            scale: number | null;
        };
        /** ImageUpscale */
        ImageUpscale: {
            /** @default 2 */
            scale?: number;
            /** @default  */
            upscaler?: string;
        };
        /**
         * ImportQuery
         * @description Nothing is to be said: what the file is shows in it.
         */
        ImportQuery: Record<string, never>;
        /**
         * ImportReport
         * @description What was taken: ``conversations`` that are new or have new ``messages``; ``known`` were here already, whole.
         *         ``skipped`` could not be read, the first of them named with ``why``. ``left_out`` is what was not taken of the
         *         others, such as images, which exports do not hold.
         */
        ImportReport: {
            /** @default 0 */
            conversations: number;
            /** @default 0 */
            known: number;
            /** @default [] */
            left_out: components["schemas"]["LeftOut"][];
            /** @default 0 */
            messages: number;
            /** @default 0 */
            skipped: number;
            /** @default [] */
            why: components["schemas"]["ImportSkipped"][];
        };
        /** ImportSkipped */
        ImportSkipped: {
            title: string;
            why: string;
        };
        /**
         * InboxCount
         * @description Machines that were found, or have moved, and wait for the owner's word.
         */
        InboxCount: {
            proposals: number;
        };
        /**
         * IncidentInfo
         * @description What went wrong, in a ``sentence``. ``why``, which may name addresses, is for owners and admins, as are the ids
         *         in ``requests``, some of the calls it is about. ``count`` is of how many calls, or how often it came back within a
         *         minute. ``until`` is null while it is not over.
         */
        IncidentInfo: {
            cause: components["schemas"]["Cause"];
            count: number;
            engine: string;
            id: string;
            node: string;
            /** @default [] */
            requests: string[];
            sentence: string;
            since: string;
            /** @enum {unknown} */
            state: "open" | "over";
            until: string | null;
            /** @default  */
            why: string;
        };
        /**
         * IncidentList
         * @description Newest first, by when they began. ``next`` is the ``cursor`` of the following page, null on the last one.
         */
        IncidentList: {
            incidents: components["schemas"]["IncidentInfo"][];
            /** @default null */
            next: string | null;
        };
        /**
         * IncidentQuery
         * @description Every one that is given must hold. ``since`` leaves out what was over before, ``until`` what began later; both
         *         are times with their zone. ``cursor`` is ``next`` of the page before.
         */
        IncidentQuery: {
            /** @default null */
            cause: components["schemas"]["Cause"] | null;
            /** @default  */
            cursor: string;
            /** @default 50 */
            limit: number;
            /** @default  */
            node: string;
            /** @default null */
            since: string | null;
            /** @default null */
            state: ("open" | "over") | null;
            /** @default null */
            until: string | null;
        };
        /**
         * IncidentsDelta
         * @description ``gone`` are no longer among the last ones that are told of here.
         */
        IncidentsDelta: {
            changed: components["schemas"]["IncidentInfo"][];
            gone: string[];
        };
        /**
         * InLineInfo
         * @description The ``queued`` event: the call's place in line, 1 for the next of all, and in how many seconds it starts, by
         *         estimate. The last one counts.
         */
        InLineInfo: {
            eta_s: number;
            position: number;
        };
        /**
         * JobCounts
         * @description Work in the background, everybody's.
         */
        JobCounts: {
            running: number;
            waiting: number;
        };
        /**
         * JobError
         * @description What went wrong last; ``type`` is stable and for programs.
         */
        JobError: {
            hint: string;
            message: string;
            type: string;
        };
        /**
         * JobInfo
         * @description ``cancelling``: it is to end, and its worker has not heard yet. ``last_event`` is the number of the last one.
         */
        JobInfo: {
            /** @default null */
            again_at: string | null;
            cancelling: boolean;
            created_at: string;
            done: number;
            ended_at: string | null;
            /** @default null */
            error: components["schemas"]["JobError"] | null;
            /** @default 0 */
            failures: number;
            id: string;
            kind: string;
            last_event: number;
            /** @enum {unknown} */
            priority: "high" | "low" | "normal";
            started_at: string | null;
            /** @enum {unknown} */
            state: "cancelled" | "done" | "failed" | "queued" | "running";
            title: string;
            total: number;
        };
        /**
         * JobList
         * @description ``next`` is ``before`` for the following page, null on the last one.
         */
        JobList: {
            jobs: components["schemas"]["JobInfo"][];
            /** @default null */
            next: string | null;
        };
        /**
         * JobProgress
         * @description How a job stands: ``done`` of ``total`` parts of its result are kept, ``failures`` tries have failed, and
         *         ``again_at`` is when the next one is made.
         */
        JobProgress: {
            /** @default null */
            again_at: string | null;
            done: number;
            /** @default null */
            error: components["schemas"]["JobError"] | null;
            /** @default 0 */
            failures: number;
            /** @enum {unknown} */
            state: "cancelled" | "done" | "failed" | "queued" | "running";
            total: number;
        };
        /**
         * JobQuery
         * @description Newest first; ``before`` is the id of the last job of the page before this one.
         */
        JobQuery: {
            /** @default  */
            before: string;
            /** @default 100 */
            limit: number;
            /** @default null */
            state: ("cancelled" | "done" | "failed" | "queued" | "running") | null;
        };
        /**
         * JobResult
         * @description What is there of the result, also while the job runs. ``next`` is ``after`` for what follows, null if that is all
         *         there is now.
         */
        JobResult: {
            done: number;
            id: string;
            /** @default null */
            next: number | null;
            parts: components["schemas"]["ChatAnswer"][];
            /** @enum {unknown} */
            state: "cancelled" | "done" | "failed" | "queued" | "running";
            total: number;
        };
        /**
         * JobsDelta
         * @description ``gone`` are no longer among the newest that are told of here.
         */
        JobsDelta: {
            changed: components["schemas"]["JobInfo"][];
            gone: string[];
        };
        /**
         * KeyChange
         * @description ``limits`` null takes all of the key's own away.
         */
        KeyChange: {
            limits: components["schemas"]["LimitsChange"] | null;
        };
        /**
         * KeyCreated
         * @description ``key`` is shown this once.
         */
        KeyCreated: {
            created_at: string;
            /** @default null */
            expires_at: string | null;
            id: string;
            key: string;
            last_used_at: string | null;
            /** @default null */
            limits: components["schemas"]["LimitsInfo"] | null;
            /** @default null */
            models: string[] | null;
            name: string;
            owner: boolean;
            prefix: string;
            revoked_at: string | null;
            /** @default null */
            surfaces: string[] | null;
            /** @default  */
            user: string;
        };
        /**
         * KeyInfo
         * @description ``prefix`` is how the key begins; the rest is not kept. ``user`` is the name of whose it is, ``owner`` marks the
         *         key that lies in the data directory. ``revoked_at`` may be to come, for a key that another one follows. What it is
         *         limited to and by, ``surfaces``, ``models`` and ``limits``, is null for a key without.
         */
        KeyInfo: {
            created_at: string;
            /** @default null */
            expires_at: string | null;
            id: string;
            last_used_at: string | null;
            /** @default null */
            limits: components["schemas"]["LimitsInfo"] | null;
            /** @default null */
            models: string[] | null;
            name: string;
            owner: boolean;
            prefix: string;
            revoked_at: string | null;
            /** @default null */
            surfaces: string[] | null;
            /** @default  */
            user: string;
        };
        /** KeyList */
        KeyList: {
            keys: components["schemas"]["KeyInfo"][];
        };
        /**
         * Kind
         * @description What a call is to the person who made it. ``place`` is its index in tables.
         * @enum {unknown}
         */
        Kind: "background" | "batch" | "big-chat" | "chat" | "completion" | "image" | "review";
        /**
         * LastMinuteInfo
         * @description Calls that ended in the last 60 seconds: all, those that failed here (engines, a full queue), those that were the
         *         client's error, those whose client left; and the tokens that were written.
         */
        LastMinuteInfo: {
            calls: number;
            cancelled: number;
            completion_tokens: number;
            failed: number;
            refused: number;
        };
        /** LeftOut */
        LeftOut: {
            count: number;
            what: string;
        };
        /**
         * LimitLevel
         * @description One limit as it stands: ``amount`` for each ``period_s`` seconds, of which ``remaining`` are left; in
         *         ``full_in_s`` seconds all are there again. ``whose`` is user, key or role; ``soft`` refuses nothing.
         */
        LimitLevel: {
            amount: number;
            full_in_s: number;
            limit: string;
            period_s: number;
            remaining: number;
            /** @default false */
            soft: boolean;
            whose: string;
        };
        /**
         * LimitsChange
         * @description What is left out stays, null takes a limit away.
         */
        LimitsChange: {
            budget_tokens_per_day?: number | null;
            concurrent?: number | null;
            images_per_day?: number | null;
            models?: string[] | null;
            priority?: components["schemas"]["Kind"] | null;
            requests_per_day?: number | null;
            requests_per_minute?: number | null;
            tokens_per_day?: number | null;
            tokens_per_minute?: number | null;
        };
        /**
         * LimitsInfo
         * @description What may be used; what is left out is not limited. Tokens are those of prompts and answers together. ``models``
         *         are names as clients ask for them, ``priority`` is the highest class of calls. ``budget_tokens_per_day`` refuses
         *         nothing: who is past it is told.
         */
        LimitsInfo: {
            /** @default null */
            budget_tokens_per_day?: number | null;
            /** @default null */
            concurrent?: number | null;
            /** @default null */
            images_per_day?: number | null;
            /** @default null */
            models?: string[] | null;
            /** @default null */
            priority?: components["schemas"]["Kind"] | null;
            /** @default null */
            requests_per_day?: number | null;
            /** @default null */
            requests_per_minute?: number | null;
            /** @default null */
            tokens_per_day?: number | null;
            /** @default null */
            tokens_per_minute?: number | null;
        };
        /**
         * LimitsReply
         * @description The caller's own, without those of routes. ``models`` are the names that it may ask for, null for all.
         */
        LimitsReply: {
            /** @default null */
            concurrent: number | null;
            levels: components["schemas"]["LimitLevel"][];
            /** @default null */
            models: string[] | null;
            /** @default null */
            priority: components["schemas"]["Kind"] | null;
        };
        /**
         * LinkKind
         * @description What a one-time link is for: a new user, a new password, the first password of the owner.
         * @enum {unknown}
         */
        LinkKind: "invite" | "reset" | "setup";
        /** LinkList */
        LinkList: {
            invitations: components["schemas"]["potluck.surfaces.v1.account_shapes.LinkInfo"][];
        };
        /**
         * LinkMade
         * @description ``link`` is shown this once: whoever opens it first may use it. ``token`` is its secret part.
         */
        LinkMade: {
            by: string;
            created_at: string;
            expires_at: string;
            id: string;
            kind: components["schemas"]["LinkKind"];
            link: string;
            name: string;
            role: components["schemas"]["Role"];
            token: string;
            user: string;
        };
        /** LinkQuery */
        LinkQuery: {
            /** @default  */
            to: string;
        };
        /**
         * LinkRequest
         * @description ``expires_in`` seconds, a week at most.
         */
        LinkRequest: {
            /** @default 3600 */
            expires_in?: number;
        };
        /**
         * LinkShown
         * @description What a link is for. ``name`` is the user's, or what a new one is to be called; ``code`` says that a code of the
         *         second factor is needed.
         */
        LinkShown: {
            code: boolean;
            expires_at: string;
            kind: components["schemas"]["LinkKind"];
            name: string;
            role: components["schemas"]["Role"];
        };
        /**
         * LiveCall
         * @description A call that a node works on. Whose it is, and its ``id``, are told of one's own calls, and of all to owners and
         *         admins. ``answering``: its first bytes have come.
         */
        LiveCall: {
            answering: boolean;
            engine: string;
            family: string;
            /** @default  */
            id: string;
            kind: string;
            model: string;
            since: string;
            /** @default  */
            user: string;
        };
        /**
         * LiveEngine
         * @description ``busy`` of ``slots`` generations run. ``why``, which may name addresses, is for owners and admins. ``failures``
         *         calls have failed there in a row, so that others are asked first.
         */
        LiveEngine: {
            busy: number;
            /** @default 0 */
            failures: number;
            held: components["schemas"]["HeldModel"][];
            id: string;
            kind: string;
            slots: number;
            /** @enum {unknown} */
            state: "down" | "draining" | "loading" | "suspect" | "unknown" | "up";
            /** @default false */
            trial: boolean;
            /** @default  */
            why: string;
        };
        /**
         * LiveGeneration
         * @description An answer of your own that runs or ended lately; its text comes from ``/api/v1/generations/{id}/events``.
         */
        LiveGeneration: {
            asked_model: string;
            conversation: string;
            created_at: string;
            ended_at: string | null;
            id: string;
            model: string | null;
            node: string | null;
            queued: components["schemas"]["InLineInfo"] | null;
            request_id: string;
            /** @enum {unknown} */
            state: "complete" | "failed" | "interrupted" | "running";
        };
        /**
         * LiveModel
         * @description A name that can be asked for. ``ready``: an engine that has it is up; ``resident``: on one it is in memory, so
         *         the first word needs no loading.
         */
        LiveModel: {
            /** @default  */
            alias_of: string;
            id: string;
            nodes: string[];
            ready: boolean;
            resident: boolean;
        };
        /**
         * LiveNode
         * @description A machine now. ``state`` is that of its best engine, ``draining`` while its owner wants it empty; ``since`` is
         *         when it came to be so, as far as this gateway knows.
         *
         *         ``memory_bytes`` is what models may fill, null where nobody said, ``held_bytes`` what those in memory take.
         *         ``waiting`` calls in line could be served there. ``tokens_per_s`` is what was written there in the last minute by
         *         calls that have ended, on average.
         */
        LiveNode: {
            busy: number;
            calls: components["schemas"]["LiveCall"][];
            /** @default null */
            drain: components["schemas"]["DrainInfo"] | null;
            /** @default null */
            drill: components["schemas"]["NodeDrillInfo"] | null;
            engines: components["schemas"]["LiveEngine"][];
            held_bytes: number;
            id: string;
            /** @default null */
            machine: components["schemas"]["MachineFigures"] | null;
            /** @default null */
            memory_bytes: number | null;
            /** @default null */
            since: string | null;
            slots: number;
            source: string;
            /** @enum {unknown} */
            state: "down" | "draining" | "loading" | "suspect" | "unknown" | "up";
            tokens_per_s: number;
            waiting: number;
            /** @default  */
            why: string;
        };
        /**
         * LiveQueue
         * @description ``waiting`` and ``running`` count everybody's calls; ``calls`` are at most the first 50 that you may see.
         */
        LiveQueue: {
            calls: components["schemas"]["QueuedCall"][];
            last_minute: components["schemas"]["LastMinuteInfo"];
            running: number;
            slots: number;
            waiting: number;
        };
        /**
         * LoadedInfo
         * @description A model in memory, and what it takes there: by its engine's word, else estimated from its size.
         */
        LoadedInfo: {
            memory_bytes: number;
            model: string;
            pinned: boolean;
        };
        /**
         * LoadRequest
         * @description ``keep_alive``: how long it stays without a call, as ``30m``; ``-1m`` is for ever.
         */
        LoadRequest: {
            /** @default  */
            engine?: string;
            /** @default  */
            keep_alive?: string;
            /** @default  */
            node?: string;
        };
        /**
         * LookRequest
         * @description ``address`` is that of one machine, to look at its usual ports alone; without it everywhere is looked.
         */
        LookRequest: {
            /** @default  */
            address?: string;
        };
        /**
         * MachineFigures
         * @description What the node's agent told last: loads from 0 to 1, the busiest GPU's; the hottest sensor; watts drawn.
         *         ``fresh``: it is recent enough to be planned with.
         */
        MachineFigures: {
            /** @default null */
            available_bytes: number | null;
            /** @default null */
            celsius: number | null;
            /** @default null */
            cpu_load: number | null;
            fresh: boolean;
            /** @default null */
            gpu_load: number | null;
            /** @default null */
            total_bytes: number | null;
            /** @default null */
            vram_bytes: number | null;
            /** @default null */
            vram_free_bytes: number | null;
            /** @default null */
            watts: number | null;
        };
        /**
         * Me
         * @description Who asks. ``rights`` are what the way it came in lets it do: a limited key has fewer than its user.
         */
        Me: {
            id: string;
            name: string;
            preferences: components["schemas"]["Preferences"];
            rights: string[];
            role: components["schemas"]["Role"];
        };
        /**
         * Memory
         * @description The machine's main memory. Where a GPU has none of its own, models are loaded here too.
         */
        Memory: {
            /** @default null */
            available_bytes: number | null;
            /** @default null */
            swap_free_bytes: number | null;
            /** @default null */
            swap_total_bytes: number | null;
            /** @default null */
            total_bytes: number | null;
        };
        /**
         * MessageInfo
         * @description ``text`` holds all text of a message; ``images`` is how many images it has beside ``attachments``. ``parent`` is
         *         what it follows, ``children`` are those that follow it, oldest first: more than one are branches.
         *
         *         What is told of an answer: ``first_token_ms`` from the request to the first text, ``rescued`` where other nodes went
         *         on with it. ``error``, ``error_type`` and ``error_hint`` stand beside the text that came before; ``stopped`` is why
         *         it was ended early.
         */
        MessageInfo: {
            /** @default [] */
            attachments: components["schemas"]["AttachmentInfo"][];
            /** @default [] */
            children: string[];
            /** @default null */
            completion_tokens: number | null;
            created_at: string;
            /** @default  */
            error: string;
            /** @default  */
            error_hint: string;
            /** @default  */
            error_type: string;
            /** @default null */
            finish: string | null;
            /** @default null */
            first_token_ms: number | null;
            id: string;
            /** @default 0 */
            images: number;
            /** @default null */
            model: string | null;
            /** @default null */
            node: string | null;
            /** @default null */
            parent: string | null;
            /** @default null */
            prompt_tokens: number | null;
            /** @default  */
            reasoning: string;
            /** @default null */
            request_id: string | null;
            /** @default [] */
            rescued: components["schemas"]["MessageRescue"][];
            role: string;
            state: components["schemas"]["MessageState"];
            /** @default  */
            stopped: string;
            text: string;
            /** @default null */
            tokens_per_s: number | null;
            /** @default  */
            tool: string;
            /** @default [] */
            tool_calls: components["schemas"]["ToolCallInfo"][];
        };
        /**
         * MessageRescue
         * @description A node that went on with the answer after another one broke, in a ``way`` of
         *         docs/guides/when-a-node-dies.md.
         */
        MessageRescue: {
            node: string;
            way: string;
        };
        /**
         * MessagesDeleted
         * @description ``deleted`` are the message that was named and all that followed it; ``leaf`` is as of a conversation.
         */
        MessagesDeleted: {
            deleted: string[];
            leaf: string | null;
        };
        /**
         * MessageState
         * @description How a message came to its end. ``INTERRUPTED``: the text is real but not all there could have been.
         * @enum {unknown}
         */
        MessageState: "complete" | "failed" | "interrupted";
        /**
         * ModelChoice
         * @description A name that can be asked for: a model, a route or an alias of the owner's, or ``auto``, with where it would be
         *         answered now. ``ready``: some engine that has it is up. ``wait_s`` is in how many seconds a call would begin, behind
         *         those in line; null where nothing can take it.
         */
        ModelChoice: {
            /** @default  */
            alias_of: string;
            capabilities: string[];
            context: number | null;
            id: string;
            /** @enum {unknown} */
            kind: "alias" | "auto" | "model" | "route";
            parameter_size: string | null;
            places: components["schemas"]["ChoicePlace"][];
            ready: boolean;
            resident: boolean;
            wait_s: number | null;
        };
        /**
         * ModelInfo
         * @description ``ready`` says whether an engine that has it is up; ``engines`` are all that have it. ``alias_of`` is what an
         *         alias stands for, by the configuration; what else is told of it is then that one's.
         */
        ModelInfo: {
            /** @default  */
            alias_of: string;
            capabilities: string[];
            context: number | null;
            engines: components["schemas"]["ModelPlace"][];
            family: string | null;
            id: string;
            parameter_size: string | null;
            quantization: string | null;
            ready: boolean;
            size_bytes: number | null;
        };
        /** ModelList */
        ModelList: {
            models: components["schemas"]["ModelInfo"][];
        };
        /**
         * ModelPlace
         * @description Where a model is. What it takes in memory, the part of that in an accelerator's own, the context that it is
         *         loaded with and when it will be unloaded are told of a resident one, as far as the engine tells them.
         *         ``pinned``: the owner wants it to stay there.
         */
        ModelPlace: {
            engine: string;
            /** @default null */
            expires_at: string | null;
            health: string;
            /** @default null */
            loaded_context: number | null;
            /** @default null */
            memory_bytes: number | null;
            node: string;
            /** @default false */
            pinned: boolean;
            resident: boolean;
            /** @default null */
            vram_bytes: number | null;
        };
        /**
         * ModelsChanged
         * @description Where something was done; empty if nothing had to be.
         */
        ModelsChanged: {
            changed: components["schemas"]["ModelTarget"][];
        };
        /** ModelsDelta */
        ModelsDelta: {
            changed: components["schemas"]["LiveModel"][];
            gone: string[];
        };
        /**
         * ModelTarget
         * @description A model on one engine.
         */
        ModelTarget: {
            engine: string;
            model: string;
            node: string;
        };
        /**
         * MoveInfo
         * @description A model of a node that is drained. ``state``: ``elsewhere`` (in the memory of engine ``to``), ``loading`` or
         *         ``waiting`` to be loaded there, ``nowhere``, or ``unused`` and left where it is. ``why`` says it in words.
         */
        MoveInfo: {
            engine: string;
            model: string;
            state: string;
            to: string;
            why: string;
        };
        /**
         * Network
         * @description One network interface, counted since the system started.
         */
        Network: {
            interface: string;
            received_bytes: number;
            sent_bytes: number;
        };
        /** NewConversation */
        NewConversation: {
            /** @default  */
            model?: string;
            /** @default  */
            title?: string;
        };
        /**
         * NewKey
         * @description ``name`` must not be in use by a key that is valid. ``user`` is whose it is to be, by name or id: without it, who
         *         manages users makes it for the user of its name, a new member if there is none, and others for themselves.
         *         ``surfaces`` and ``models`` (names of models and routes) limit what it is for, and such a key cannot change
         *         anything but the user's conversations. ``limits`` are how much may be used by it, beside its user's.
         */
        NewKey: {
            /** @default null */
            expires_in_s?: number | null;
            /** @default null */
            limits?: components["schemas"]["LimitsInfo"] | null;
            /** @default null */
            models?: string[] | null;
            name: string;
            /** @default null */
            surfaces?: string[] | null;
            /** @default  */
            user?: string;
        };
        /**
         * NewLink
         * @description An invitation: ``name`` is what the new user is to be called, if that is not theirs to choose.
         */
        NewLink: {
            /** @default 604800 */
            expires_in_s?: number;
            /** @default  */
            name?: string;
            /** @default member */
            role?: components["schemas"]["Role"];
        };
        /**
         * NewPrompt
         * @description ``text`` may have places to fill in: ``{{name}}``, or ``{{name:what to propose}}``. ``shared``: everybody may use
         *         it.
         */
        NewPrompt: {
            name: string;
            /** @default false */
            shared?: boolean;
            text: string;
        };
        /**
         * NewShare
         * @description ``leaf`` is the last message that is shown, by default that of the branch that is shown; what is said later is
         *         not. ``public``: who has the link need not sign in, where the owner lets that be (`portal.public_shares`).
         */
        NewShare: {
            /** @default null */
            expires_in_s?: number | null;
            /** @default  */
            leaf?: string;
            /** @default false */
            public?: boolean;
        };
        /**
         * NewUser
         * @description ``name`` must not be anybody's, whatever its case.
         */
        NewUser: {
            name: string;
            /** @default member */
            role?: components["schemas"]["Role"];
        };
        /**
         * NodeDrillInfo
         * @description The drill that a node is in. ``how`` is ``drain`` or ``block``; ``until`` when it gets the node back at the
         *         latest, null while its test calls set out.
         */
        NodeDrillInfo: {
            how: string;
            id: string;
            node: string;
            stage: string;
            until: string | null;
        };
        /**
         * NodeInfo
         * @description ``memory_bytes`` is what models may fill, as configured; ``agent`` what its machine tells, for the owner.
         *
         *         ``source`` is where the node comes from: ``config``, ``discovery``, or ``here`` for what runs on this machine
         *         without being configured. ``why`` tells the owner of a change of its address. ``drain`` is there while the node is
         *         drained by its owner, ``drill`` while it is in one.
         */
        NodeInfo: {
            /** @default null */
            agent: components["schemas"]["AgentInfo"] | null;
            /** @default null */
            drain: components["schemas"]["DrainInfo"] | null;
            /** @default null */
            drill: components["schemas"]["NodeDrillInfo"] | null;
            engines: components["schemas"]["EngineInfo"][];
            id: string;
            /** @default null */
            memory_bytes: number | null;
            /** @default config */
            source: string;
            /** @default  */
            why: string;
        };
        /** NodeList */
        NodeList: {
            nodes: components["schemas"]["NodeInfo"][];
        };
        /**
         * NodesDelta
         * @description Nodes that are new or not as they were, each whole; and the ids of those that are there no more.
         */
        NodesDelta: {
            changed: components["schemas"]["LiveNode"][];
            gone: string[];
        };
        /**
         * OpenIdBegin
         * @description ``next`` is the path to go on to, of this host; ``invitation`` the token of one.
         */
        OpenIdBegin: {
            /** @default  */
            invitation: string;
            /** @default  */
            next: string;
        };
        /**
         * OpenIdButton
         * @description ``label`` is what to write on the button, ``start`` where it leads.
         */
        OpenIdButton: {
            label: string;
            start: string;
        };
        /**
         * OpenIdLink
         * @description ``next`` is the path to go on to, of this host.
         */
        OpenIdLink: {
            /** @default  */
            next?: string;
        };
        /**
         * OpenIdLocation
         * @description Where to send the browser.
         */
        OpenIdLocation: {
            location: string;
        };
        /**
         * OpenShare
         * @description ``share`` is its id, from the link.
         */
        OpenShare: {
            share: string;
        };
        /**
         * Outcome
         * @description ``HELD``: nothing was lost. ``STOPPED``: nor until the owner ended it. ``BROKEN_OFF``: nor, but it could not be
         *         gone on with. ``INTERRUPTED``: the gateway ended in the middle of it.
         * @enum {unknown}
         */
        Outcome: "broken_off" | "held" | "interrupted" | "lost" | "stopped";
        /**
         * ParamsInfo
         * @description How a conversation's answers are drawn, where a request does not say.
         */
        ParamsInfo: {
            /** @default null */
            max_tokens?: number | null;
            /** @default null */
            seed?: number | null;
            /** @default [] */
            stop?: string[];
            /** @default null */
            temperature?: number | null;
            /** @default null */
            think?: boolean | null;
            /** @default null */
            top_p?: number | null;
        };
        /**
         * PasswordChange
         * @description ``old_password`` may be left out by who has none yet.
         */
        PasswordChange: {
            new_password: string;
            /** @default  */
            old_password?: string;
        };
        /** PasswordProof */
        PasswordProof: {
            password: string;
        };
        /**
         * PieceFailure
         * @description A part of the change that could not be looked at; ``type`` and ``message`` as in an error.
         */
        PieceFailure: {
            first_line: number;
            last_line: number;
            message: string;
            path: string;
            piece: number;
            type: string;
        };
        /**
         * PlaceQuery
         * @description ``node`` and ``engine`` by their names; left out, wherever the model is, or the best place for it.
         */
        PlaceQuery: {
            /** @default  */
            engine?: string;
            /** @default  */
            node?: string;
        };
        /**
         * PlaceVerdict
         * @description An engine that was looked at; ``reason`` says why it can take the model, or why not.
         */
        PlaceVerdict: {
            engine: string;
            fits: boolean;
            node: string;
            reason: string;
        };
        /**
         * LinkInfo
         * @description ``user`` is whose password it sets, empty for an invitation; ``name`` what a new user is to be called, if that is
         *         said; ``by`` who made it.
         */
        "potluck.surfaces.v1.account_shapes.LinkInfo": {
            by: string;
            created_at: string;
            expires_at: string;
            id: string;
            kind: components["schemas"]["LinkKind"];
            name: string;
            role: components["schemas"]["Role"];
            user: string;
        };
        /**
         * LinkInfo
         * @description ``url`` begins with a slash where it leads to this service.
         */
        "potluck.surfaces.v1.files.LinkInfo": {
            expires_at: string;
            url: string;
        };
        /**
         * Power
         * @description One supply that is measured. One may contain others: they are not to be added up.
         */
        Power: {
            rail: string;
            watts: number;
        };
        /**
         * Preferences
         * @description How somebody wants the portal. ``theme`` and ``language``: ``auto`` is as the browser has it. ``model`` is what a
         *         new conversation asks for, empty for what the service chooses. ``send`` is the key that sends a message.
         *         ``notifications``: tell when long work has ended. ``skipped`` are steps of the set-up that they do not want to see.
         */
        Preferences: {
            /**
             * @default auto
             * @enum {unknown}
             */
            language: "auto" | "de" | "en";
            /** @default  */
            model: string;
            /** @default false */
            notifications: boolean;
            /**
             * @default enter
             * @enum {unknown}
             */
            send: "enter" | "mod-enter";
            /** @default [] */
            skipped: ("chat" | "machines" | "name")[];
            /**
             * @default auto
             * @enum {unknown}
             */
            theme: "auto" | "dark" | "light";
        };
        /**
         * PreferencesPatch
         * @description What is left out stays. As of `Preferences`.
         */
        PreferencesPatch: {
            /** @enum {unknown} */
            language?: "auto" | "de" | "en";
            model?: string;
            notifications?: boolean;
            /** @enum {unknown} */
            send?: "enter" | "mod-enter";
            skipped?: ("chat" | "machines" | "name")[];
            /** @enum {unknown} */
            theme?: "auto" | "dark" | "light";
        };
        /**
         * PromptInfo
         * @description ``mine``: the caller may change it. ``variables`` are its places to fill in, in the order of the text.
         */
        PromptInfo: {
            by: string;
            id: string;
            mine: boolean;
            name: string;
            shared: boolean;
            text: string;
            updated_at: string;
            variables: components["schemas"]["PromptVariable"][];
        };
        /** PromptList */
        PromptList: {
            prompts: components["schemas"]["PromptInfo"][];
        };
        /**
         * PromptPatch
         * @description What is left out stays.
         */
        PromptPatch: {
            name?: string;
            shared?: boolean;
            text?: string;
        };
        /**
         * PromptVariable
         * @description ``default`` is what is proposed, empty for nothing.
         */
        PromptVariable: {
            default: string;
            name: string;
        };
        /**
         * ProposalInfo
         * @description One machine at one address.
         *
         *         ``state`` is ``new``, ``moved`` (the node ``node`` at another address), ``known``, ``gone`` or ``dismissed``.
         *         ``identity`` says how sure it is who it is: ``proven``, ``claimed`` or ``weak``. ``ways`` are how it is seen now:
         *         ``here``, ``mdns``, ``scan``,
         *         ``asked`` (its address was named). ``name`` is what it would be called.
         */
        ProposalInfo: {
            address: string;
            agent_port: number | null;
            engines: components["schemas"]["SeenEngine"][];
            first_seen_at: string;
            id: string;
            identity: string;
            last_seen_at: string;
            machine: string;
            name: string;
            node: string;
            state: string;
            ways: string[];
            why: string;
        };
        /**
         * PullDone
         * @description The ``done`` event, and the answer without a stream. ``model`` is what it is called, ``license`` as its source
         *         or its file says, empty if neither does.
         */
        PullDone: {
            bytes: number;
            engine: string;
            license: string;
            model: string;
            node: string;
        };
        /**
         * PullPlaced
         * @description The ``placed`` event, first in a stream: where the model goes, and why not elsewhere.
         */
        PullPlaced: {
            engine: string;
            model: string;
            node: string;
            others: components["schemas"]["PlaceVerdict"][];
            reason: string;
        };
        /**
         * PullProgress
         * @description The ``progress`` event. Sizes are bytes, ``rate`` bytes per second; null where they are not known (yet).
         */
        PullProgress: {
            bytes: number;
            engine: string;
            eta_s: number | null;
            /** @default  */
            license: string;
            node: string;
            rate: number | null;
            status: string;
            total: number | null;
        };
        /**
         * PullRequest
         * @description ``model``: a registry's name, ``hf.co/OWNER/REPO[:QUANT]``, ``hf:OWNER/REPO/FILE.gguf``, or a URL.
         *
         *         ``sha256`` is what the file must have, ``name`` what it is to be called.
         */
        PullRequest: {
            /** @default  */
            engine?: string;
            /** @default false */
            insecure?: boolean;
            model: string;
            /** @default  */
            name?: string;
            /** @default  */
            node?: string;
            /** @default  */
            sha256?: string;
            /** @default true */
            stream?: boolean;
        };
        /**
         * QueuedCall
         * @description A call in line: one's own, or anybody's for owners and admins. ``position`` 1 is the next of all; ``eta_s`` is
         *         about how many seconds remain.
         */
        QueuedCall: {
            eta_s: number;
            id: string;
            kind: string;
            model: string;
            position: number;
            user: string;
        };
        /**
         * QueuedInfo
         * @description A call in line. ``position`` 1 is the next one of all; ``eta_s`` the seconds until it starts, by estimate.
         */
        QueuedInfo: {
            eta_s: number;
            id: string;
            kind: string;
            model: string;
            position: number;
            user: string;
            waited_s: number;
        };
        /**
         * QueueReply
         * @description ``waiting`` counts everybody's calls, also where ``calls`` and ``users`` list only your own.
         */
        QueueReply: {
            calls: components["schemas"]["QueuedInfo"][];
            /** @default [] */
            users: components["schemas"]["TurnInfo"][];
            waiting: number;
        };
        /**
         * RateInfo
         * @description How fast a model is on an engine, learned from ``readings`` calls: tokens a second of prompts and of an answer
         *         that has the machine for itself, and seconds to load it.
         */
        RateInfo: {
            decode_tps: number;
            load_s: number;
            model: string;
            prefill_tps: number;
            readings: number;
        };
        /**
         * Reading
         * @description A machine at one moment.
         */
        Reading: {
            /** @default 0 */
            age_s: number;
            /**
             * @default {
             *       "cores": null,
             *       "load": null
             *     }
             */
            cpu: components["schemas"]["Cpu"];
            /** @default [] */
            disks: components["schemas"]["Disk"][];
            /** @default [] */
            gpus: components["schemas"]["Gpu"][];
            /**
             * @default {
             *       "machine": "",
             *       "host": "",
             *       "boot": ""
             *     }
             */
            identity: components["schemas"]["Identity"];
            /**
             * @default {
             *       "total_bytes": null,
             *       "available_bytes": null,
             *       "swap_total_bytes": null,
             *       "swap_free_bytes": null
             *     }
             */
            memory: components["schemas"]["Memory"];
            /** @default [] */
            networks: components["schemas"]["Network"][];
            /** @default [] */
            power: components["schemas"]["Power"][];
            /** @default [] */
            temperatures: components["schemas"]["Temperature"][];
            /** @default null */
            uptime_s: number | null;
        };
        /**
         * RedisInfo
         * @description ``trouble`` says why it is not used now, empty if it is.
         */
        RedisInfo: {
            /** @default  */
            trouble: string;
            up: boolean;
        };
        /**
         * ReloadReply
         * @description ``changed`` names the sections of the configuration that are different now, ``restart`` those that hold only
         *         after the next start.
         */
        ReloadReply: {
            changed: string[];
            /** @default [] */
            restart: string[];
        };
        /**
         * ReplayInfo
         * @description The decision made once more from ``candidates`` as they are kept: where it comes to, and whether the call went
         *         there. ``rule`` is ``cost``, ``order`` or ``weights``; by weights a place is taken in its turn, and no cost counts.
         */
        ReplayInfo: {
            engine: string;
            model: string;
            rule: string;
            same: boolean;
        };
        /**
         * RequestInfo
         * @description One call that has ended, ``user``'s: ``candidates`` tells why its node was chosen and the others were not,
         *         ``choice`` what `auto` chose and why; empty for calls that named their model.
         */
        RequestInfo: {
            asked_model: string;
            at: string;
            attempts: components["schemas"]["AttemptInfo"][];
            candidates: components["schemas"]["CandidateInfo"][];
            /** @default  */
            choice: string;
            engine: string | null;
            error: string;
            family: string;
            first_byte_s: number | null;
            http_status: number;
            id: string;
            model: string | null;
            node: string | null;
            queue_s: number;
            /** @default null */
            replay: components["schemas"]["ReplayInfo"] | null;
            /** @default false */
            rescued: boolean;
            route: string;
            status: components["schemas"]["CallStatus"];
            total_s: number;
            usage: components["schemas"]["UsageInfo"];
            /** @default  */
            user: string;
        };
        /**
         * RequestList
         * @description ``next`` is the ``cursor`` of the following page, null on the last one.
         */
        RequestList: {
            /** @default null */
            next: string | null;
            requests: components["schemas"]["RequestInfo"][];
        };
        /**
         * RequestQuery
         * @description Every one that is given must hold. ``model`` is the asked or the served name, ``user`` a name or id (anybody's,
         *         for owners and admins). ``rescued``: whether one engine went on with what another had begun; ``retried``: whether
         *         more than one was tried. ``since`` and ``before`` are times with their zone. ``cursor``, which is ``next`` of the
         *         page before, leads through all pages; ``before`` may leave out calls of the same millisecond.
         */
        RequestQuery: {
            /** @default null */
            before: string | null;
            /** @default  */
            cursor: string;
            /** @default 50 */
            limit: number;
            /** @default  */
            model: string;
            /** @default  */
            node: string;
            /** @default null */
            rescued: boolean | null;
            /** @default null */
            retried: boolean | null;
            /** @default null */
            since: string | null;
            /** @default null */
            status: components["schemas"]["CallStatus"] | null;
            /** @default  */
            user: string;
        };
        /**
         * RescuedInfo
         * @description The ``rescued`` event: the engine broke, and this node goes on from the last word, in a ``way`` of
         *         docs/guides/when-a-node-dies.md.
         */
        RescuedInfo: {
            attempts: number;
            node: string;
            way: string;
        };
        /**
         * ResultQuery
         * @description Parts above number ``after``, by number.
         */
        ResultQuery: {
            /** @default -1 */
            after: number;
            /** @default 1000 */
            limit: number;
        };
        /**
         * ReviewDone
         * @description The ``done`` event. ``dropped`` counts by reason what a model said and the result does not hold.
         */
        ReviewDone: {
            counts: {
                [key: string]: number;
            };
            cut_off: number;
            dropped: {
                [key: string]: number;
            };
            failed: components["schemas"]["PieceFailure"][];
            model: string;
            pieces: number;
            request_ids: string[];
            skipped: components["schemas"]["SkippedFile"][];
            snapped: number;
            usage: components["schemas"]["UsageInfo"];
        };
        /**
         * ReviewProgress
         * @description The ``progress`` event: piece number ``piece`` of ``of`` has been looked at, ``done`` of them so far.
         */
        ReviewProgress: {
            done: number;
            of: number;
            path: string;
            piece: number;
        };
        /**
         * ReviewReply
         * @description A review without stream: findings by severity, path and line.
         */
        ReviewReply: {
            counts: {
                [key: string]: number;
            };
            cut_off: number;
            dropped: {
                [key: string]: number;
            };
            failed: components["schemas"]["PieceFailure"][];
            findings: components["schemas"]["FindingInfo"][];
            model: string;
            pieces: number;
            request_ids: string[];
            skipped: components["schemas"]["SkippedFile"][];
            snapped: number;
            usage: components["schemas"]["UsageInfo"];
        };
        /**
         * ReviewRequest
         * @description Exactly one of ``diff`` (unified, as git writes it) and ``files``.
         */
        ReviewRequest: {
            diff?: string;
            files?: components["schemas"]["FileInput"][];
            /** @default  */
            instructions?: string;
            /** @default info */
            min_severity?: components["schemas"]["Severity"];
            /** @default  */
            model?: string;
            /** @default false */
            stream?: boolean;
        };
        /**
         * Role
         * @description What somebody is here, the most powerful first.
         * @enum {unknown}
         */
        Role: "admin" | "guest" | "member" | "owner";
        /**
         * Rotation
         * @description ``overlap_s`` is how long the old key stays valid beside the new one, in seconds.
         */
        Rotation: {
            /** @default 3600 */
            overlap_s?: number;
        };
        /**
         * SearchMatch
         * @description Where a search found its text. ``message`` is null if only the title has it. ``pieces`` are ``snippet`` with what
         *         was found marked.
         */
        SearchMatch: {
            message: string | null;
            /** @default [] */
            pieces: components["schemas"]["SnippetPiece"][];
            snippet: string;
        };
        /**
         * SeatedInfo
         * @description The ``seated`` event, before ``meta``, where that takes a while: a node has taken the call, and loads the model
         *         or reads the prompt. ``attempts`` are the engines tried, with this one.
         */
        SeatedInfo: {
            attempts: number;
            node: string;
        };
        /**
         * SeenEngine
         * @description An engine that answered, with the first of its models.
         */
        SeenEngine: {
            kind: string;
            models: string[];
            port: number;
            version: string;
        };
        /**
         * SeriesInfo
         * @description Figures of equal steps, null where nothing is known (the gateway or the machine was off, or nobody tells).
         *
         *         ``up`` is the share of a step in which the machine served, of the whole fleet the number of such machines. ``busy``
         *         generations ran and ``waiting`` calls in line could be served there; ``held_bytes`` of models were in memory.
         *         ``tokens_per_s`` counts an answer when it ends. ``cpu_load`` and ``gpu_load`` (the busiest GPU's) go from 0 to 1.
         *         ``celsius`` is the hottest sensor's.
         */
        SeriesInfo: {
            busy: (number | null)[];
            celsius: (number | null)[];
            cpu_load: (number | null)[];
            gpu_load: (number | null)[];
            held_bytes: (number | null)[];
            tokens_per_s: (number | null)[];
            up: (number | null)[];
            waiting: (number | null)[];
        };
        /**
         * SessionInfo
         * @description ``user`` is whose it is, by name. ``agent`` is what the browser called itself; ``current`` marks the session that
         *         asks.
         */
        SessionInfo: {
            agent: string;
            created_at: string;
            current: boolean;
            id: string;
            last_used_at: string;
            user: string;
        };
        /** SessionList */
        SessionList: {
            sessions: components["schemas"]["SessionInfo"][];
        };
        /**
         * SessionQuery
         * @description One's own without a word; ``user``'s, by name or id, or ``all`` of everybody's, for who manages users.
         */
        SessionQuery: {
            /** @default false */
            all: boolean;
            /** @default  */
            user: string;
        };
        /**
         * SettingInfo
         * @description A setting. ``value`` is as it is written; of a secret only dots, null for one that is not set, for which
         *         ``default`` holds. ``source`` is what counts: ``portal`` for what was changed here, else the ``command line``, the
         *         ``environment`` (a variable that the file names), the ``file``, where ``line`` is, or the ``default``. What is
         *         not ``changeable`` here is changed in the file: then it holds when that is read again, or, with ``restart``, from
         *         the next start on.
         */
        SettingInfo: {
            changeable: boolean;
            default: string;
            description: string;
            key: string;
            line: number | null;
            /** @default false */
            restart: boolean;
            section: string;
            /** @enum {unknown} */
            source: "command line" | "default" | "environment" | "file" | "portal";
            type: string;
            value: unknown;
        };
        /**
         * SettingsChange
         * @description New values by key; null: as in the file again. All hold at once, or none.
         */
        SettingsChange: {
            changes: {
                [key: string]: string | number | boolean | null;
            };
        };
        /**
         * SettingsChanged
         * @description ``previous`` is what undoes it: the ``changes`` to ask for. ``settings`` are those that were asked for.
         */
        SettingsChanged: {
            previous: {
                [key: string]: string | number | boolean | null;
            };
            settings: components["schemas"]["SettingInfo"][];
        };
        /**
         * SettingsReply
         * @description ``file`` is the configuration file's name, empty where there is none.
         */
        SettingsReply: {
            file: string;
            settings: components["schemas"]["SettingInfo"][];
        };
        /**
         * SetUpInfo
         * @description The first steps, and which are done: the service has a name of its own (``named``), some engine beside the
         *         embedded one has a model that answers (``machines``), and somebody has talked to one (``chatted``). ``done``: all of
         *         them.
         */
        SetUpInfo: {
            chatted: boolean;
            done: boolean;
            machines: boolean;
            named: boolean;
        };
        /**
         * Severity
         * @enum {unknown}
         */
        Severity: "critical" | "high" | "info" | "low" | "medium";
        /**
         * SharedThread
         * @description What is shared: one branch, read only. ``by`` is whose it is.
         */
        SharedThread: {
            by: string;
            created_at: string;
            expires_at: string | null;
            id: string;
            public: boolean;
            thread: components["schemas"]["ConversationThread"];
        };
        /**
         * ShareInfo
         * @description ``path`` is where the portal shows it. ``expires_at`` is null for one that lasts until it is withdrawn.
         */
        ShareInfo: {
            conversation: string;
            created_at: string;
            expires_at: string | null;
            id: string;
            path: string;
            public: boolean;
        };
        /** ShareList */
        ShareList: {
            shares: components["schemas"]["ShareInfo"][];
        };
        /**
         * ShareQuery
         * @description ``conversation`` leaves out the shares of all others.
         */
        ShareQuery: {
            /** @default  */
            conversation: string;
        };
        /**
         * SignIn
         * @description Name and password, with a ``code`` for who has a second factor; nothing of it where an API key is shown.
         */
        SignIn: {
            /** @default  */
            code?: string;
            /** @default  */
            name?: string;
            /** @default  */
            password?: string;
        };
        /**
         * SignInWaysInfo
         * @description ``name`` is what the service is called. A ``key`` and a ``password`` are taken at ``POST /api/v1/sessions``.
         *         ``oidc`` is null where no provider is configured; ``proxy`` says whether a reverse proxy may sign people in.
         */
        SignInWaysInfo: {
            /** @default true */
            key: boolean;
            name: string;
            oidc: components["schemas"]["OpenIdButton"] | null;
            /** @default true */
            password: boolean;
            proxy: boolean;
        };
        /** SkippedFile */
        SkippedFile: {
            path: string;
            why: string;
        };
        /**
         * Snapshot
         * @description The first event, and so the first after each new connection: everything, of the ``topics`` that you get; null of
         *         all others. What follows changes it.
         */
        Snapshot: {
            at: string;
            /** @default null */
            discovery: components["schemas"]["InboxCount"] | null;
            /** @default null */
            generations: components["schemas"]["LiveGeneration"][] | null;
            /** @default null */
            incidents: components["schemas"]["IncidentInfo"][] | null;
            /** @default null */
            jobs: components["schemas"]["JobInfo"][] | null;
            /** @default null */
            models: components["schemas"]["LiveModel"][] | null;
            /** @default null */
            nodes: components["schemas"]["LiveNode"][] | null;
            /** @default null */
            queue: components["schemas"]["LiveQueue"] | null;
            topics: string[];
        };
        /** SnippetInput */
        SnippetInput: {
            path: string;
            text: string;
        };
        /**
         * SnippetPiece
         * @description ``found``: it is what was looked for.
         */
        SnippetPiece: {
            found: boolean;
            text: string;
        };
        /**
         * Stage
         * @description ``PREPARING``: test calls set out. ``UNDER_WAY``: the node is out. ``RESTORING``: it is looked at again.
         * @enum {unknown}
         */
        Stage: "over" | "preparing" | "restoring" | "under_way";
        /**
         * StatusReply
         * @description ``waiting`` calls are in the queue, by class in ``queue``; ``busy`` run; ``drained`` are nodes that get nothing
         *         new, ``drill`` is the one under way; ``redis`` is null where none is configured;
         *         ``gateways`` are those that say there that they run, null where that is not known.
         */
        StatusReply: {
            busy: number;
            /** @default [] */
            drained: string[];
            /** @default null */
            drill: components["schemas"]["NodeDrillInfo"] | null;
            engines: number;
            engines_up: number;
            /** @default null */
            files: components["schemas"]["FileStoreInfo"] | null;
            /** @default null */
            gateways: components["schemas"]["GatewayInfo"][] | null;
            /** @default null */
            jobs: components["schemas"]["JobCounts"] | null;
            /** @default null */
            last_minute: components["schemas"]["LastMinuteInfo"] | null;
            models: number;
            nodes: number;
            /** @default [] */
            queue: components["schemas"]["ClassQueueInfo"][];
            /** @default null */
            redis: components["schemas"]["RedisInfo"] | null;
            slots: number;
            started_at: string;
            uptime_s: number;
            version: string;
            waiting: number;
        };
        /**
         * StoppedInfo
         * @description The ``stopped`` event, last in a stream that was ended early: ``client`` asked for that, nobody read it
         *         (``alone``), or Potluck was started anew and could not go on with it (``restart``; ``message`` says more).
         */
        StoppedInfo: {
            /** @default  */
            message: string;
            /** @enum {unknown} */
            why: "alone" | "client" | "restart";
        };
        /**
         * Temperature
         * @description One sensor.
         */
        Temperature: {
            celsius: number;
            sensor: string;
        };
        /** TextInput */
        TextInput: {
            text: string;
            /** @enum {unknown} */
            type: "text";
        };
        /**
         * ThreadQuery
         * @description ``branch`` leaves out all messages but those of one branch: ``active``, the one that is shown, or the one that
         *         ends with the message of that id.
         */
        ThreadQuery: {
            /** @default  */
            branch: string;
        };
        /**
         * TimingsInfo
         * @description The engine's own seconds: loading the model, reading the prompt, writing the answer.
         */
        TimingsInfo: {
            /** @default 0 */
            decode_s: number;
            /** @default 0 */
            load_s: number;
            /** @default 0 */
            prefill_s: number;
        };
        /**
         * Titled
         * @description Where a title is from: the first words, a model, or a person, which no model may change.
         * @enum {unknown}
         */
        Titled: "model" | "person" | "words";
        /** TokenQuery */
        TokenQuery: {
            /** @default  */
            token: string;
        };
        /** Tokens */
        Tokens: {
            /** @default 0 */
            completion_tokens: number;
            /** @default 0 */
            prompt_tokens: number;
        };
        /**
         * ToolCalled
         * @description A function that the model wants called; ``arguments`` is JSON as the model wrote it.
         */
        ToolCalled: {
            arguments: string;
            id: string;
            name: string;
        };
        /**
         * ToolCallInfo
         * @description A tool that a model called; ``arguments`` is JSON as the model wrote it.
         */
        ToolCallInfo: {
            arguments: string;
            id: string;
            name: string;
        };
        /**
         * TurnInfo
         * @description A user with calls in line: how many, and the machine time that counts for its turn, in seconds. Within a class
         *         the user with the least goes first.
         */
        TurnInfo: {
            served_s: number;
            user: string;
            waiting: number;
        };
        /**
         * UploadQuery
         * @description What a form says in its fields; ``sha256`` is what the bytes must have.
         */
        UploadQuery: {
            /** @default null */
            expires_in: number | null;
            /** @default  */
            name: string;
            /** @default user_data */
            purpose: string;
            /** @default  */
            sha256: string;
        };
        /**
         * UpscaleRequest
         * @description A larger picture out of a small one; ``upscaler`` left out is the best there is.
         */
        UpscaleRequest: {
            /**
             * @description An id of a picture or file of yours, base64, a data URI, or a URL.
             * @default
             */
            image?: string;
            /**
             * @description An id of a picture or file of yours, base64, a data URI, or a URL.
             * @default
             */
            init?: string;
            /** @default  */
            node?: string;
            /**
             * @default normal
             * @enum {unknown}
             */
            priority?: "high" | "low" | "normal";
            /** @default 2 */
            scale?: number;
            /** @default [] */
            tags?: string[];
            /** @default  */
            title?: string;
            /** @default null */
            upscale?: components["schemas"]["ImageUpscale"] | null;
            /** @default  */
            upscaler?: string;
            /** @default 0 */
            wait?: number;
        };
        /**
         * UsageInfo
         * @description Tokens. ``prompt_tokens`` includes ``cached_tokens``; ``estimated`` says that the engine told none.
         */
        UsageInfo: {
            /** @default 0 */
            cached_tokens: number;
            /** @default 0 */
            completion_tokens: number;
            /** @default false */
            estimated: boolean;
            /** @default 0 */
            prompt_tokens: number;
            /** @default 0 */
            reasoning_tokens: number;
        };
        /**
         * UsageQueryShape
         * @description ``from`` and ``to`` are days of UTC, both included, such as 2026-11-26: a month ago and today if left out. ``by``
         *         is one or several of day, hour, user, key, model and node, with commas; left out, one sum of everything. Hours are
         *         told of for as long as the request log is kept. ``user`` is whose usage is told, by id or name, for who may see
         *         everybody's.
         */
        UsageQueryShape: {
            /** @default  */
            by: string;
            /**
             * @default json
             * @enum {unknown}
             */
            format: "csv" | "json";
            /** @default  */
            from: string;
            /** @default  */
            to: string;
            /** @default  */
            user: string;
        };
        /**
         * UsageReply
         * @description Usage from day to day, both included; ``total`` is the sum of all rows.
         */
        UsageReply: {
            by: components["schemas"]["Dimension"][];
            from: string;
            rows: components["schemas"]["UsageSums"][];
            to: string;
            total: components["schemas"]["UsageSums"];
        };
        /**
         * UsageSums
         * @description What was asked ``by`` names a row; a user or key that is gone has only its id. ``failed`` are among ``calls``.
         *         ``engine_s`` are seconds in which engines worked, ``energy_wh`` watt-hours, where node agents measure them.
         */
        UsageSums: {
            cached_tokens: number;
            calls: number;
            completion_tokens: number;
            /** @default null */
            day: string | null;
            energy_wh: number | null;
            engine_s: number;
            failed: number;
            /** @default null */
            hour: string | null;
            images: number;
            /** @default null */
            key: string | null;
            /** @default null */
            key_name: string | null;
            /** @default null */
            model: string | null;
            /** @default null */
            node: string | null;
            prompt_tokens: number;
            /** @default null */
            user: string | null;
            /** @default null */
            user_name: string | null;
        };
        /**
         * UserChange
         * @description What is left out stays. ``disabled`` keeps a user out with all its keys; nothing of it is lost. ``limits`` null
         *         takes all of the user's own away; those of its role hold all the same.
         */
        UserChange: {
            /** @default null */
            disabled?: boolean | null;
            limits?: components["schemas"]["LimitsChange"] | null;
            /** @default null */
            role?: components["schemas"]["Role"] | null;
        };
        /**
         * UserInfo
         * @description ``keys`` counts the valid ones; ``disabled_at`` is since when the user is kept out. ``limits`` are the
         *         user's own, beside those of its role; null for none. ``password`` and ``second_factor`` say how it can sign in.
         */
        UserInfo: {
            created_at: string;
            disabled_at: string | null;
            id: string;
            keys: number;
            /** @default null */
            limits: components["schemas"]["LimitsInfo"] | null;
            name: string;
            /** @default false */
            password: boolean;
            role: components["schemas"]["Role"];
            /** @default false */
            second_factor: boolean;
        };
        /** UserList */
        UserList: {
            users: components["schemas"]["UserInfo"][];
        };
        /**
         * ZipQuery
         * @description ``images`` are ids with commas between them; left out, all pictures that the filter finds.
         */
        ZipQuery: {
            /** @default null */
            favourite: boolean | null;
            /** @default  */
            images: string;
            /** @default  */
            job: string;
            /** @default  */
            model: string;
            /** @default  */
            node: string;
            /** @default  */
            parent: string;
            /** @default  */
            q: string;
            /** @default null */
            since: string | null;
            /** @default  */
            tag: string;
            /**
             * @default
             * @enum {unknown}
             */
            task: "" | "img2img" | "inpaint" | "outpaint" | "txt2img" | "upscale";
            /** @default null */
            until: string | null;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    get_audit: {
        parameters: {
            query?: {
                after?: number | null;
                before?: number | null;
                event?: string;
                limit?: number;
                user?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Read the audit log, newest first, or from an entry on to verify it. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditList"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_backup: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the backups in the data directory, and tell how far one is that is being made. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BackupReply"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_backup: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Make a backup in the background, and check it. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BackupReply"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_boot: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All that the portal starts with: who one is, models, conversations, answers under way, counts. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BootReply"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_chat: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChatRequest"];
            };
        };
        responses: {
            /** @description Say something in a conversation, ask for another answer, or for the rest of one; all is kept. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatReply"];
                    "text/event-stream": unknown;
                };
            };
            /** @description bad_request, context_overflow, unsupported */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description model_not_found, not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description rate_limited */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description node_failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description overloaded */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description node_timeout */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_code_complete: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CompleteRequest"];
            };
        };
        responses: {
            /** @description Complete code at the cursor; of requests with the same editor, the newest cancels the others. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CompleteReply"];
                    "text/event-stream": unknown;
                };
            };
            /** @description bad_request, context_overflow, unsupported */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description model_not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description rate_limited */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description cancelled */
            499: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description node_failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description overloaded */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description node_timeout */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_code_review: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReviewRequest"];
            };
        };
        responses: {
            /** @description Review a diff or files; findings come as they are found. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReviewReply"];
                    "text/event-stream": unknown;
                };
            };
            /** @description bad_request, context_overflow, unsupported */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description model_not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description rate_limited */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description node_failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description overloaded */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description node_timeout */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_conversations: {
        parameters: {
            query?: {
                archived?: boolean | null;
                cursor?: string;
                folder?: string;
                limit?: number;
                pinned?: boolean | null;
                q?: string;
                tag?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List your conversations, newest first, or search them. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConversationList"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_conversations: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewConversation"];
            };
        };
        responses: {
            /** @description Begin an empty conversation. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConversationInfo"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_conversations_conversation: {
        parameters: {
            query?: {
                branch?: string;
            };
            header?: never;
            path: {
                conversation: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Read a conversation with its messages. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConversationThread"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    delete_conversations_conversation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                conversation: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Delete a conversation and its messages. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    patch_conversations_conversation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                conversation: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConversationPatch"];
            };
        };
        responses: {
            /** @description Change a conversation: title, branch that is shown, pin, archive, folder, tags, system prompt, parameters. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConversationInfo"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_conversations_conversation_export: {
        parameters: {
            query?: {
                branch?: string;
                format?: "json" | "markdown";
            };
            header?: never;
            path: {
                conversation: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Take a conversation along, as JSON or Markdown. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                    "text/markdown": unknown;
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    delete_conversations_conversation_messages_message: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                conversation: string;
                message: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Delete a message and all that follows it. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MessagesDeleted"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_conversations_conversation_shares: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                conversation: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["NewShare"];
            };
        };
        responses: {
            /** @description Share a conversation as it is now, read only, by a link. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShareInfo"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_conversations_export: {
        parameters: {
            query?: {
                format?: "json" | "markdown";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Take all your conversations along, as JSON or as a ZIP of Markdown. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                    "application/zip": unknown;
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_conversations_import: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": string;
                "multipart/form-data": {
                    /** Format: binary */
                    file: string;
                };
            };
        };
        responses: {
            /** @description Bring conversations: Potluck's own export, Open WebUI's or ChatGPT's; each is taken once. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImportReport"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_discovery: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the machines that were seen on the network, and those that were accepted. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DiscoveryReply"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_discovery: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["LookRequest"];
            };
        };
        responses: {
            /** @description Look for machines now, and list them when that is done: a scan takes seconds to minutes. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DiscoveryReply"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_discovery_proposal_accept: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                proposal: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["AcceptRequest"];
            };
        };
        responses: {
            /** @description Serve a machine that was found, or take a node's new address. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AcceptedInfo"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_discovery_proposal_dismiss: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                proposal: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Propose a machine no more. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    delete_discovery_nodes_node: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Forget a node that was accepted. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_drills: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the last drills, newest first. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DrillList"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_drills: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["DrillRequest"];
            };
        };
        responses: {
            /** @description Take a node out for a while, and watch that no call is lost; it is given back whatever happens. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DrillReport"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_drills_drill: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                drill: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Tell how a drill goes, or went. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DrillReport"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    delete_drills_drill: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                drill: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description End a drill early; answered when its node is back. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DrillReport"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_drills_plan: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["DrillTarget"];
            };
        };
        responses: {
            /** @description Say what a drill would do, and what is against it. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DrillPlan"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_events: {
        parameters: {
            query?: {
                topics?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Follow all that changes: everything first, then what is not as it was, each topic at most twice a second. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": unknown;
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description overloaded */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_files: {
        parameters: {
            query?: {
                after?: string;
                limit?: number;
                purpose?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List your files, newest first, and how much of your quota they take. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FileList"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_files: {
        parameters: {
            query?: {
                expires_in?: number | null;
                name?: string;
                purpose?: string;
                sha256?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": string;
                "multipart/form-data": {
                    /** Format: binary */
                    file: string;
                };
            };
        };
        responses: {
            /** @description Keep a file: the body as it is, or the field `file` of a form. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FileInfo"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large, quota_exceeded */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unsupported_encoding */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description overloaded */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description no_room */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_files_file: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                file: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Tell of a file. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FileInfo"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    delete_files_file: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                file: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Delete a file. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_files_file_content: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                file: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Read a file's bytes, all or a `Range`; with its digest as `ETag`. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": unknown;
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description range_not_satisfiable */
            416: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description overloaded */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_files_file_link: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                file: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["LinkRequest"];
            };
        };
        responses: {
            /** @description Make a link by which anybody may read a file for a while. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["potluck.surfaces.v1.files.LinkInfo"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_folders: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List your folders of conversations. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FolderList"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_folders: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FolderName"];
            };
        };
        responses: {
            /** @description Make a folder. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FolderInfo"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    delete_folders_folder: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                folder: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Remove a folder; what is in it stays. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    patch_folders_folder: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                folder: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FolderName"];
            };
        };
        responses: {
            /** @description Rename a folder. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FolderInfo"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_generations: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List your answers that run, and those that ended lately. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GenerationList"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_generations_generation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                generation: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Tell how an answer stands, and its text so far. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GenerationState"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    delete_generations_generation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                generation: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Stop an answer; its text so far is kept. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_generations_generation_events: {
        parameters: {
            query?: {
                after?: number;
            };
            header?: never;
            path: {
                generation: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Follow an answer: what you have missed, then what comes. 204 if it has ended and you have it all. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": unknown;
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_history: {
        parameters: {
            query?: {
                hours?: number;
                step_s?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Tell how the machines were in the last hours: all together, and each. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FleetHistoryReply"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_home: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Tell what matters now: how the machines are, what is wrong, and for owners what is to be done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HomeReply"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_image_edit: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EditRequest"];
            };
        };
        responses: {
            /** @description Make pictures out of another: drawn over, within a mask, or beyond its edges. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImageJobInfo"];
                    "text/event-stream": unknown;
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large, quota_exceeded */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description rate_limited */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description overloaded */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_image_generate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GenerateRequest"];
            };
        };
        responses: {
            /** @description Make pictures out of words. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImageJobInfo"];
                    "text/event-stream": unknown;
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large, quota_exceeded */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description rate_limited */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description overloaded */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_image_jobs_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Tell how a job stands that makes pictures, and which of them are there. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImageJobInfo"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_image_jobs_job_cancel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Make no more pictures of a job; those that are there stay. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImageJobInfo"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_image_jobs_job_events: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Follow a job that makes pictures: how it stands, then all that happens, with previews. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": unknown;
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_image_models: {
        parameters: {
            query?: {
                model?: string;
                task?: "img2img" | "inpaint" | "outpaint" | "txt2img" | "upscale";
                upscaler?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List all that pictures can be made with, on which nodes it is, and what each engine lacks. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImageModels"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_image_upscale: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpscaleRequest"];
            };
        };
        responses: {
            /** @description Make a picture larger. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImageJobInfo"];
                    "text/event-stream": unknown;
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large, quota_exceeded */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description rate_limited */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description overloaded */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_images: {
        parameters: {
            query?: {
                after?: string;
                favourite?: boolean | null;
                job?: string;
                limit?: number;
                model?: string;
                node?: string;
                order?: "newest" | "oldest";
                parent?: string;
                q?: string;
                since?: string | null;
                tag?: string;
                task?: "" | "img2img" | "inpaint" | "outpaint" | "txt2img" | "upscale";
                until?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List your pictures, newest first, and search them. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImageList"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_images_image: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                image: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Tell of one of your pictures, with all that it was asked with. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImageDetail"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    delete_images_image: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                image: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Delete one of your pictures. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    patch_images_image: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                image: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ImageChange"];
            };
        };
        responses: {
            /** @description Tag one of your pictures, or mark it as a favourite. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImageDetail"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_images_image_content: {
        parameters: {
            query?: {
                download?: boolean;
                format?: ("avif" | "jpeg" | "png" | "webp") | null;
                quality?: number;
                size?: number | null;
            };
            header?: never;
            path: {
                image: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get the bytes of one of your pictures: as they are, smaller, or in another format. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/png": unknown;
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description range_not_satisfiable */
            416: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_images_bulk: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ImageBulk"];
            };
        };
        responses: {
            /** @description Tag, mark or delete many of your pictures; those that are not there are passed over. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImagesChanged"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_images_facets: {
        parameters: {
            query?: {
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the tags and models of your pictures. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImageFacets"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_images_parameters: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ImageParametersRequest"];
            };
        };
        responses: {
            /** @description Read out of a picture how it was made, as what makes it again here. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImageParameters"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_images_zip: {
        parameters: {
            query?: {
                favourite?: boolean | null;
                images?: string;
                job?: string;
                model?: string;
                node?: string;
                parent?: string;
                q?: string;
                since?: string | null;
                tag?: string;
                task?: "" | "img2img" | "inpaint" | "outpaint" | "txt2img" | "upscale";
                until?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get many of your pictures in one ZIP: some, or all that a search finds. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/zip": unknown;
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_incidents: {
        parameters: {
            query?: {
                cause?: components["schemas"]["Cause"] | null;
                cursor?: string;
                limit?: number;
                node?: string;
                since?: string | null;
                state?: ("open" | "over") | null;
                until?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List what went wrong and when, newest first. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IncidentList"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_invitations: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the one-time links that wait to be used. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LinkList"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_invitations: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["NewLink"];
            };
        };
        responses: {
            /** @description Make a link by which somebody becomes a user; it is shown this once. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LinkMade"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    delete_invitations_link: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                link: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Withdraw a one-time link. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_invitations_accept: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Acceptance"];
            };
        };
        responses: {
            /** @description Use a one-time link up: choose name and password, and begin a session. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionInfo"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description code_needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description rate_limited */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description overloaded */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_invitations_open: {
        parameters: {
            query?: {
                token?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Tell what a one-time link is for. It stays as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LinkShown"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_invitations_setup: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Make a link by which the owner chooses a name and the first password; it is shown this once. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LinkMade"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_jobs: {
        parameters: {
            query?: {
                before?: string;
                limit?: number;
                state?: ("cancelled" | "done" | "failed" | "queued" | "running") | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List your jobs, newest first. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobList"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_jobs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChatJob"];
            };
        };
        responses: {
            /** @description Have work done in the background; with an Idempotency-Key the same request again is the same job. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobInfo"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description overloaded */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_jobs_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Tell how a job stands. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobInfo"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_jobs_job_cancel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description End a job; what it has come to is kept. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobInfo"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_jobs_job_events: {
        parameters: {
            query?: {
                after?: number;
            };
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Follow a job: what you have missed, then what comes. 204 if it has ended and you have it all. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": unknown;
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_jobs_job_result: {
        parameters: {
            query?: {
                after?: number;
                limit?: number;
            };
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Read what a job has come to, also while it runs. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobResult"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_keys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List one's API keys; who manages users sees everybody's. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyList"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_keys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewKey"];
            };
        };
        responses: {
            /** @description Make an API key for oneself or, for who manages users, for somebody; it is shown this once. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyCreated"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    delete_keys_key: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Revoke an API key. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    patch_keys_key: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                key: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["KeyChange"];
            };
        };
        responses: {
            /** @description Limit how much may be used by a key; it holds at once. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyInfo"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_keys_key_rotate: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                key: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Rotation"];
            };
        };
        responses: {
            /** @description Make a key in place of one, which stays valid for a while; it is shown this once. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyCreated"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_limits: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Tell what the caller may use, and how much of it is left. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LimitsReply"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_links: {
        parameters: {
            query?: {
                to?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Read the file behind a link. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": unknown;
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description range_not_satisfiable */
            416: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description overloaded */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_models: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List models and where they are. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelList"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    delete_models_name: {
        parameters: {
            query?: {
                engine?: string;
                node?: string;
            };
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Remove a model from the disks of the engines that have it. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelsChanged"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description model_not_found, not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_implemented */
            501: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description node_failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description overloaded */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description node_timeout */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_models_name_copy: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CopyRequest"];
            };
        };
        responses: {
            /** @description Give a model another name beside its own. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelsChanged"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description model_not_found, not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_implemented */
            501: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description node_failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description overloaded */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description node_timeout */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description no_room */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_models_name_load: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["LoadRequest"];
            };
        };
        responses: {
            /** @description Bring a model into memory. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelsChanged"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description model_not_found, not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_implemented */
            501: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description node_failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description overloaded */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description node_timeout */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description no_room */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_models_name_pin: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["PlaceQuery"];
            };
        };
        responses: {
            /** @description Load a model and keep it in memory. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelsChanged"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description model_not_found, not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_implemented */
            501: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description node_failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description overloaded */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description node_timeout */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description no_room */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_models_name_unload: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["PlaceQuery"];
            };
        };
        responses: {
            /** @description Take a model out of memory. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelsChanged"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description model_not_found, not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_implemented */
            501: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description node_failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description overloaded */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description node_timeout */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description no_room */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_models_name_unpin: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["PlaceQuery"];
            };
        };
        responses: {
            /** @description Let a pinned model go when it is not used. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelsChanged"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description model_not_found, not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_implemented */
            501: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description node_failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description overloaded */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description node_timeout */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description no_room */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_models_pull: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PullRequest"];
            };
        };
        responses: {
            /** @description Fetch a model onto the best engine, or the one that is named. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PullDone"];
                    "text/event-stream": unknown;
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description model_not_found, not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_implemented */
            501: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description node_failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description overloaded */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description node_timeout */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description no_room */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_nodes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List nodes, their engines and how they are. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeList"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_nodes_node_drain: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Let nothing new start on a node, and load its models elsewhere. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DrainInfo"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_nodes_node_history: {
        parameters: {
            query?: {
                hours?: number;
                step_s?: number;
            };
            header?: never;
            path: {
                node: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Tell how a machine was in the last hours. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HistoryReply"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_nodes_node_resume: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Let a drained node serve again. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_openapi_json: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description This API as an OpenAPI 3.1 document. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_outside_image: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ImageAsked"];
            };
        };
        responses: {
            /** @description Fetch an image that an answer names, so that the reader's browser need not. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/*": unknown;
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_prompts: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List prompts: your own, and those that others share. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PromptList"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_prompts: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewPrompt"];
            };
        };
        responses: {
            /** @description Keep a prompt. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PromptInfo"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    delete_prompts_prompt: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                prompt: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Remove a prompt of yours; who manages users removes shared ones too. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    patch_prompts_prompt: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                prompt: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PromptPatch"];
            };
        };
        responses: {
            /** @description Change a prompt of yours; who manages users changes shared ones too. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PromptInfo"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_queue: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List calls that wait for a slot, in order; owners and admins see everybody's. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueReply"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_reload: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Read the configuration again; with errors in it the old one stays. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReloadReply"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_requests: {
        parameters: {
            query?: {
                before?: string | null;
                cursor?: string;
                limit?: number;
                model?: string;
                node?: string;
                rescued?: boolean | null;
                retried?: boolean | null;
                since?: string | null;
                status?: components["schemas"]["CallStatus"] | null;
                user?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List calls that have ended, newest first; owners and admins see everybody's. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestList"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_requests_request: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                request: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Tell how one call went, and why its node was chosen. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestInfo"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_sessions: {
        parameters: {
            query?: {
                all?: boolean;
                user?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List one's sessions in browsers; who manages users sees others' too. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionList"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_sessions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["SignIn"];
            };
        };
        responses: {
            /** @description Begin a session by name and password, or with an API key: the answer sets a cookie for this browser. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionInfo"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description code_needed, unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description rate_limited */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description overloaded */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    delete_sessions_session: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description End a session, by id or as `current`; who manages users ends others' too. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_sessions_oidc: {
        parameters: {
            query?: {
                invitation?: string;
                next?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Sign in by the OpenID Connect provider: leads the browser there. */
            303: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description provider_failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description provider_away */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_sessions_oidc: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["OpenIdLink"];
            };
        };
        responses: {
            /** @description Make an account at the provider one's own: tells where to send the browser, which must have a session. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenIdLocation"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description provider_failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description provider_away */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_sessions_oidc_callback: {
        parameters: {
            query?: {
                code?: string;
                error?: string;
                iss?: string;
                state?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Where the provider sends the browser back to: begins a session, and leads on. */
            303: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description provider_failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description provider_away */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_sessions_ways: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Tell which ways to sign in there are beside a key. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignInWaysInfo"];
                };
            };
        };
    };
    get_settings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List every setting with what holds, where that comes from, and whether it can be changed here. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SettingsReply"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    patch_settings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SettingsChange"];
            };
        };
        responses: {
            /** @description Change settings; they hold at once, and go before the file. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SettingsChanged"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_shares: {
        parameters: {
            query?: {
                conversation?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List what you share. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShareList"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    delete_shares_share: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                share: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Withdraw a share: its link leads nowhere then. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_shares_open: {
        parameters: {
            query?: {
                share?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Read what somebody shares, by its id; who has not signed in reads only what is public. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SharedThread"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_status: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Version, uptime and counts. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StatusReply"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_usage: {
        parameters: {
            query?: {
                by?: string;
                format?: "csv" | "json";
                from?: string;
                to?: string;
                user?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Sum up what was used, as JSON or CSV; owners and admins see everybody's. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UsageReply"];
                    "text/csv": unknown;
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_users: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List users. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserList"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_users: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewUser"];
            };
        };
        responses: {
            /** @description Add a user. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserInfo"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    delete_users_user: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                user: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Remove a user with its keys, conversations and files. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    patch_users_user: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                user: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserChange"];
            };
        };
        responses: {
            /** @description Change a user's role or limits, disable it, or let it in again; by id or name. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserInfo"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_users_user_reset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                user: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Make a link by which a user chooses a new password; it is shown this once. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LinkMade"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    delete_users_user_totp: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                user: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Remove the second factor of a user who has lost it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_users_me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Tell who one is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserInfo"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_users_me_identities: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List one's accounts at the OpenID Connect provider. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IdentityList"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    delete_users_me_identities_identity: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                identity: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Do not sign in by an account any more. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_users_me_password: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasswordChange"];
            };
        };
        responses: {
            /** @description Change one's password, which ends all one's other sessions; or set the first one. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description code_needed, unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description rate_limited */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description overloaded */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_users_me_preferences: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Tell how you want the portal. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Preferences"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    patch_users_me_preferences: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PreferencesPatch"];
            };
        };
        responses: {
            /** @description Change how you want the portal. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Preferences"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_users_me_totp: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Tell whether one has a second factor. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FactorState"];
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_users_me_totp: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasswordProof"];
            };
        };
        responses: {
            /** @description Begin a second factor (an authenticator's codes, RFC 6238); it waits for its first code. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FactorBegun"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description code_needed, unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description rate_limited */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description overloaded */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_users_me_totp_confirm: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CodeProof"];
            };
        };
        responses: {
            /** @description Have the second factor asked for from now on; the recovery codes are shown this once. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FactorConfirmed"];
                };
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description code_needed, unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description rate_limited */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description overloaded */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_users_me_totp_disable: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FactorProof"];
            };
        };
        responses: {
            /** @description Remove one's second factor, by password and code. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description bad_request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description code_needed, unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not_found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description payload_too_large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description rate_limited */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description overloaded */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_docs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description This API as a page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
            /** @description unauthenticated */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
}
